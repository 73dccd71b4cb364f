import ast
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doclife.domain import premis
from doclife.domain.premis import PremisEvent, premis_event
from doclife.domain.premis_xml import (
    DOCLIFE,
    NAMESPACE,
    PERSON,
    PremisDeed,
    PremisFile,
    agent_of,
    premis_xml,
)

ROOT = Path(__file__).resolve().parents[2]
ACTION = re.compile(r"'((?:documents?|fixity)\.[a-z_]+)'")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = PremisFile(
    document_id=17, location="data/17", sha256=b"\1" * 32, size_bytes=9, media_type="text/plain"
)
DEED = PremisDeed(
    kind="doclife audit entry",
    identifier="4",
    event=PremisEvent.INGESTION,
    at=NOON,
    detail="document.registered",
    is_success=True,
    agent=PERSON,
    document_id=17,
)

PARTS = {
    "premis": ("object+", "event*", "agent*"),
    "object": (
        "objectIdentifier+",
        "objectCharacteristics+",
        "originalName?",
        "storage*",
        "linkingEventIdentifier*",
    ),
    "objectIdentifier": ("objectIdentifierType", "objectIdentifierValue"),
    "objectCharacteristics": ("compositionLevel?", "fixity*", "size?", "format+"),
    "fixity": ("messageDigestAlgorithm", "messageDigest", "messageDigestOriginator?"),
    "format": ("formatDesignation",),
    "formatDesignation": ("formatName", "formatVersion?"),
    "storage": ("contentLocation",),
    "contentLocation": ("contentLocationType", "contentLocationValue"),
    "linkingEventIdentifier": ("linkingEventIdentifierType", "linkingEventIdentifierValue"),
    "event": (
        "eventIdentifier",
        "eventType",
        "eventDateTime",
        "eventDetailInformation*",
        "eventOutcomeInformation*",
        "linkingAgentIdentifier*",
        "linkingObjectIdentifier*",
    ),
    "eventIdentifier": ("eventIdentifierType", "eventIdentifierValue"),
    "eventDetailInformation": ("eventDetail?",),
    "eventOutcomeInformation": ("eventOutcome",),
    "linkingAgentIdentifier": ("linkingAgentIdentifierType", "linkingAgentIdentifierValue"),
    "linkingObjectIdentifier": ("linkingObjectIdentifierType", "linkingObjectIdentifierValue"),
    "agent": ("agentIdentifier+", "agentName*", "agentType?"),
    "agentIdentifier": ("agentIdentifierType", "agentIdentifierValue"),
}
"""What may stand in what, in this order: the part of the PREMIS 3.0 schema that is used here."""


def check(element: ET.Element) -> None:
    """Check an element as the schema does."""
    name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    if name not in PARTS:
        assert len(element) == 0
        assert element.text
        return
    wanted = "".join(
        f"(?:{part.rstrip('+*?')} ){part[-1] if part[-1] in '+*?' else ''}" for part in PARTS[name]
    )
    found = "".join(f"{child.tag.removeprefix(f'{{{NAMESPACE}}}')} " for child in element)
    assert re.fullmatch(wanted, found), f"{name} holds {found}"
    for child in element:
        check(child)


def actions_of_python() -> Iterator[str]:
    """Yield each action that Python writes into the audit trail; of f-strings the beginning."""
    for path in (ROOT / "plugins/doclife").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg in ("action", "what", "audit_action"):
                yield from _texts(node.value)
            elif isinstance(node, ast.Call) and _called(node).startswith(("_record", "_audit")):
                for argument in node.args:
                    yield from _texts(argument)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if re.fullmatch(r"[a-z_]+\.[a-z_]+", node.value):
            yield node.value
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        beginning = str(node.values[0].value)
        if re.fullmatch(r"[a-z_]+\.[a-z_]*", beginning):
            yield beginning
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def actions_of_sql() -> Iterator[str]:
    """Yield what statements and triggers that write the trail say of documents."""
    for path in (ROOT / "include/sql").rglob("*.sql"):
        text = path.read_text()
        if "INSERT INTO audit_entries" in text:
            yield from ACTION.findall(text)


def test_every_action_has_its_word_or_is_declared_to_have_none() -> None:
    found = {*actions_of_python(), *actions_of_sql()}

    assert {"document.trashed", "document.purging", "rule.removed"} <= found, "the search works"
    unknown = {
        action
        for action in found
        if action not in premis.EVENTS
        and action not in premis.NO_EVENTS_OF_DOCUMENTS
        and action.partition(".")[0] not in premis.SUBJECTS_WITHOUT_EVENTS
    }
    assert not unknown, "say in domain/premis.py what these are in preservation, or that nothing"


def test_no_action_about_a_document_hides_behind_its_subject() -> None:
    assert not premis.SUBJECTS_WITHOUT_EVENTS & {"document", "documents", "fixity"}
    assert not premis.EVENTS.keys() & premis.NO_EVENTS_OF_DOCUMENTS


@pytest.mark.parametrize(
    ("action", "label", "code"),
    [
        ("document.registered", "ingestion", "ing"),
        ("document.trashed", "deaccession", "dea"),
        ("document.purged", "deletion", "del"),
        ("document.archived", "replication", "rep"),
        ("document.damaged", "fixity check", "fix"),
    ],
)
def test_actions_are_called_as_the_vocabulary_does(action: str, label: str, code: str) -> None:
    event = premis_event(action)

    assert event == label
    assert event is not None
    assert event.uri == f"http://id.loc.gov/vocabulary/preservation/eventType/{code}"


def test_what_an_unknown_release_wrote_is_no_event() -> None:
    assert premis_event("document.teleported") is None


def test_a_document_is_built_as_the_schema_has_it() -> None:
    written = premis_xml([FILE], [DEED])

    root = ET.fromstring(written)
    assert root.get("version") == "3.0"
    check(root)
    found = root.find(f"{{{NAMESPACE}}}object")
    assert found is not None
    assert found.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "file"


def test_what_is_told_of_others_is_left_out() -> None:
    other = replace(FILE, document_id=18, location="data/18", size_bytes=None, media_type=None)

    written = premis_xml([other], [DEED])

    check(ET.fromstring(written))
    assert b"17" not in written
    assert b"person" not in written


@pytest.mark.parametrize("actor", ["user:olga", "cli:root", "link", "link:olga@example.org"])
def test_people_are_never_named(actor: str) -> None:
    assert agent_of(actor, None) is PERSON


def test_a_rule_that_decided_is_the_agent_and_else_the_program() -> None:
    assert agent_of("schedule", "contracts@3").identifier == "rule:contracts@3"
    assert agent_of("schedule", None) is DOCLIFE


def test_no_text_can_add_an_element_of_its_own() -> None:
    file = replace(FILE, media_type="</formatName><b>&\x00", location='data/"<17>"')
    rule = agent_of("schedule", "<rule>&@3")

    root = ET.fromstring(premis_xml([file], [replace(DEED, agent=rule, detail="<&>")]))

    check(root)
    assert root.findtext(f".//{{{NAMESPACE}}}formatName") == "</formatName><b>&"
    assert root.findtext(f".//{{{NAMESPACE}}}agentName") == "rule <rule>&@3"


def test_a_media_type_that_no_xml_can_hold_spoils_nothing() -> None:
    file = PremisFile(
        document_id=1, location="data/1", sha256=b"\1" * 32, size_bytes=0, media_type="\x00\x1b"
    )

    check(ET.fromstring(premis_xml([file], [])))
