"""PREMIS 3 as XML: which files lie in a bag, what was done to each, and who did it.

Names no person and repeats no title: what an erasure would have to find in a sealed bag must not be
in it. A person is "a person"; who, says the audit entry whose number each event carries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from doclife.domain.premis import VOCABULARY, PremisEvent

NAMESPACE = "http://www.loc.gov/premis/v3"
SCHEMA = "https://www.loc.gov/standards/premis/premis.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_DOCUMENT = "doclife document"
_AGENT = "doclife agent"
UNKNOWN_FORMAT = "application/octet-stream"
"""PREMIS wants a format; what the catalogue does not know is bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PremisFile:
    """Bytes of one document in a bag.

    :param location: where, from the folder of the bag on: ``data/17``.
    :param size_bytes: None where nobody can say: the bytes are missing.
    """

    document_id: int
    location: str
    sha256: bytes
    size_bytes: int | None
    media_type: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PremisDeed:
    """One thing that was done to one document.

    :param kind: of what ``identifier`` is a number, such as an entry of the audit trail.
    :param detail: the word of the audit trail for it.
    """

    kind: str
    identifier: str
    event: PremisEvent
    at: datetime
    detail: str
    is_success: bool
    agent: "PremisAgent"
    document_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PremisAgent:
    """Who did something; never which person.

    :param type: ``person`` or ``software``, as PREMIS has it.
    """

    identifier: str
    name: str
    type: str


DOCLIFE = PremisAgent(identifier="doclife", name="doclife", type="software")
PERSON = PremisAgent(
    identifier="person", name="a person, named in the audit trail only", type="person"
)
APPLICATION = PremisAgent(
    identifier="application", name="an application that registers documents", type="software"
)


def agent_of(actor: str, rule: str | None) -> PremisAgent:
    """Return who acted, as a role.

    :param actor: as the audit trail has it: ``user:olga``, ``cli:root``, ``link`` (of a person
        who followed a signed one), ``schedule`` ...
    :param rule: name@version of the rule that decided; it is the agent then.
    """
    if rule is not None:
        return PremisAgent(identifier=f"rule:{rule}", name=f"rule {rule}", type="software")
    kind = actor.partition(":")[0]
    if kind in ("user", "cli", "link"):
        return PERSON
    return APPLICATION if kind == "application" else DOCLIFE


def premis_xml(files: Sequence[PremisFile], deeds: Iterable[PremisDeed]) -> bytes:
    """Return a PREMIS 3 document: every object, then every event, then every agent.

    Deeds about documents that are not among the files are left out.

    :param files: at least one; PREMIS has no document without an object.
    """
    of_document: dict[int, list[PremisDeed]] = {file.document_id: [] for file in files}
    for deed in deeds:
        if deed.document_id in of_document:
            of_document[deed.document_id].append(deed)
    told = [deed for each in of_document.values() for deed in each]
    agents = {deed.agent.identifier: deed.agent for deed in told}
    return "".join(
        [
            _HEAD,
            *(_object(file, of_document[file.document_id]) for file in files),
            *(_event(deed) for deed in told),
            *(_agent(agent) for agent in agents.values()),
            "</premis>\n",
        ]
    ).encode()


# Text and not a tree: a bag of a thousand documents has a hundred thousand elements, and nobody
# waits a quarter of a second for each bag.
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<premis xmlns="{NAMESPACE}" xmlns:xsi="{_INSTANCE}" version="3.0"\n'
    f' xsi:schemaLocation="{NAMESPACE} {SCHEMA}">\n'
)


def _object(file: PremisFile, deeds: Sequence[PremisDeed]) -> str:
    size = "" if file.size_bytes is None else f"<size>{file.size_bytes}</size>"
    links = "".join(_identifier("linkingEvent", each.kind, each.identifier) for each in deeds)
    return (
        f'<object xsi:type="file">{_identifier("object", _DOCUMENT, f"{file.document_id}")}\n'
        "<objectCharacteristics><compositionLevel>0</compositionLevel>"
        "<fixity><messageDigestAlgorithm>SHA-256</messageDigestAlgorithm>"
        f"<messageDigest>{file.sha256.hex()}</messageDigest>"
        f"<messageDigestOriginator>{DOCLIFE.name}</messageDigestOriginator></fixity>{size}"
        "<format><formatDesignation>"
        f"<formatName>{_text(file.media_type or '') or UNKNOWN_FORMAT}</formatName>"
        "</formatDesignation></format></objectCharacteristics>\n"
        "<storage><contentLocation>"
        "<contentLocationType>path in the bag</contentLocationType>"
        f"<contentLocationValue>{_text(file.location)}</contentLocationValue>"
        f"</contentLocation></storage>{links}</object>\n"
    )


def _event(deed: PremisDeed) -> str:
    return (
        f"<event>{_identifier('event', deed.kind, deed.identifier)}"
        f'<eventType authority="eventType" authorityURI="{VOCABULARY}" valueURI="{deed.event.uri}">'
        f"{deed.event}</eventType>"
        f"<eventDateTime>{deed.at.astimezone(UTC).isoformat()}</eventDateTime>\n"
        "<eventDetailInformation>"
        f"<eventDetail>{_text(deed.detail)}</eventDetail></eventDetailInformation>"
        "<eventOutcomeInformation>"
        f"<eventOutcome>{'success' if deed.is_success else 'fail'}</eventOutcome>"
        "</eventOutcomeInformation>"
        f"{_identifier('linkingAgent', _AGENT, deed.agent.identifier)}"
        f"{_identifier('linkingObject', _DOCUMENT, f'{deed.document_id}')}</event>\n"
    )


def _agent(agent: PremisAgent) -> str:
    return (
        f"<agent>{_identifier('agent', _AGENT, agent.identifier)}"
        f"<agentName>{_text(agent.name)}</agentName><agentType>{agent.type}</agentType></agent>\n"
    )


def _identifier(what: str, kind: str, value: str) -> str:
    return (
        f"<{what}Identifier><{what}IdentifierType>{kind}</{what}IdentifierType>"
        f"<{what}IdentifierValue>{_text(value)}</{what}IdentifierValue></{what}Identifier>"
    )


def _text(text: str) -> str:
    """Return text as XML can hold it: one control character would make the file unreadable."""
    return escape("".join(each for each in text if each.isprintable()).strip())
