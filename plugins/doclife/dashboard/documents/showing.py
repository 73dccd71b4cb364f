"""One document: why it is kept or will go and when, where it is, and what was done to it."""

from datetime import UTC, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Response

from doclife.dashboard.documents.listing import STATUSES
from doclife.dashboard.visit import Here, Visit
from doclife.domain.explanation import Explanation
from doclife.domain.explanation_words import VerdictKind, clock_words, verdict_of, why_words
from doclife.errors import ConfigurationError
from doclife.lifecycle.documents import DocumentStory, tell_story
from doclife.lifecycle.explaining import explain_document
from doclife.lifecycle.fixity_report import in_words
from doclife.store import catalogue, certificates

router = APIRouter()

HISTORY_ROWS = 50
VERDICT_TAGS = {
    VerdictKind.WINS: "success",
    VerdictKind.SIMULATED: "simulate",
    VerdictKind.STOPPED: "warn",
    VerdictKind.QUIET: "off",
}
FACTS = (
    "document_type", "owner", "created_on", "modified_on", "last_accessed_on", "expires_on",
    "media_type", "registered_at", "expired_at", "archived_at", "original_until", "deleted_at",
    "purge_after", "purging_at", "purged_at", "reprieve_until",
)  # fmt: skip
RESTORABLE = ("deleted", "archived")
WITHOUT_BYTES = ("purging", "purged")


@router.get("/documents/{document_id}")
def show(
    here: Here, document_id: int, as_of: Annotated[str, Query(max_length=10)] = ""
) -> Response:
    """Show everything about one document, judged for today or for a day ahead."""
    return page(here, document_id, as_of=as_of)


def page(
    here: Visit, document_id: int, *, as_of: str = "", error: str | None = None, status: int = 200
) -> Response:
    """Return the page of a document, with an error above it where something was refused."""
    external_id = find(here, document_id)
    found = _explain(here, external_id, as_of)
    story = tell_story(
        here.conn, organization=here.tenant.slug, external_id=external_id, size=HISTORY_ROWS
    )
    facts = story.facts
    return here.page(
        "documents/show.html.j2",
        status=status,
        error=error,
        document_id=document_id,
        facts=facts,
        shown={name.replace("_", " "): facts[name] for name in FACTS if facts[name] is not None},
        found=found,
        story=story,
        pill=STATUSES[facts["status"]],
        as_of=as_of,
        verdict_of=verdict_of,
        verdict_tags=VERDICT_TAGS,
        why_words=why_words,
        clock_words=clock_words,
        may_restore=facts["status"] in RESTORABLE,
        has_bytes=bool(_where(facts)) and facts["status"] not in WITHOUT_BYTES,
        where=_where(facts),
        holds=_current(story),
        certified=certificates.find_of_document(here.conn, document_id),
        damages=[(in_words(each), each.found_at) for each in story.damages],
    )


def find(here: Visit, document_id: int) -> str:
    """Return the external id of a document of the organization that the person looks at."""
    external_id = None
    if 0 < document_id < 2**63:
        external_id = catalogue.find_external_id(here.conn, here.tenant.id, document_id)
    if external_id is None:
        raise HTTPException(404, f"There is no document {document_id} here")
    return external_id


def _explain(here: Visit, external_id: str, as_of: str) -> Explanation:
    moment = here.now
    if as_of:
        try:
            day = datetime.fromisoformat(as_of).date()
        except ValueError:
            raise ConfigurationError(
                f"{as_of!r} is no date; write for example 2027-01-31"
            ) from None
        # Noon, so that it is that day in the organization's zone whatever the clock does.
        moment = datetime.combine(day, time(12), tzinfo=ZoneInfo(here.tenant.time_zone))
    return explain_document(
        here.conn,
        organization=here.tenant.slug,
        external_id=external_id,
        as_of=moment.astimezone(UTC),
        now=here.now,
    )


def _where(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return which copies there are, and where."""
    places = (("Original", facts["uri"]), ("Archived copy", facts["archived_uri"]))
    return [(name, uri) for name, uri in places if uri is not None]


def _current(story: DocumentStory) -> list[dict[str, Any]]:
    return [
        hold
        for hold in story.holds
        if hold["released_at"] is None and hold["too_late_since"] is None
    ]
