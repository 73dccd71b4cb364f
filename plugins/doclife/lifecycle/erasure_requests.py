"""Erasure requests: what a person asked for, the plan that does it, and the answer to the person.

A request finds the documents that name the person, in use, archived or in the trash, and plans
their erasure. What a hold or a retention keeps (GDPR art. 17(3)(b) and (e)) is listed with its
reason. The plan is approved by a second person, applied as any plan is, and purged at once.
Everything but the request itself names it by its number; once it is closed, it names the person no
more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doclife.domain.duration import Period
from doclife.domain.organization import Organization
from doclife.domain.plan import PlanSummary
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError, RefusedError
from doclife.lifecycle.planning_erasure import plan_erasure
from doclife.store import audit, erasures, organizations, plans, stored_plans
from doclife.store.connection import Connection
from doclife.store.erasures import ErasureRequest, Obstacle
from doclife.store.stored_plans import PlanItem

__all__ = ["ErasureRequest", "Obstacle"]

_PREVIEW = "preview"
ANSWERED_WITHIN = Period.parse("1mo")
"""GDPR art. 12(3): without undue delay, and at the latest one month after the request."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a request stands: what the person can be told."""

    request: ErasureRequest
    plan: PlanSummary | None
    """The newest plan; None when nothing of the person was found."""
    outcomes: Sequence[Obstacle]
    """What becomes of the documents of the plan, by reason: those that are kept with why."""
    remaining: int
    """Documents that name the person and are not destroyed."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a request would come to, were it made now."""

    documents: int
    """Documents that name the person and are not destroyed."""
    to_do: int
    """How many of them would be destroyed once somebody else has approved it."""
    outcomes: Sequence[Obstacle]
    items: Sequence[PlanItem]
    """The first ones, those that are kept included."""
    due_on: date
    earlier: int | None
    """The open request of the same person; a second one is refused."""


def preview_request(
    conn: Connection,
    *,
    organization: Organization,
    person: str,
    fields: Sequence[str] = (),
    due_on: date | None = None,
    now: datetime,
    actor: str,
    after: int = 0,
    size: int = 20,
) -> Preview:
    """Return what ``request_erasure`` would plan: it is planned, and taken back.

    :param after: the last document of the page before; 0 for the first page.
    :param size: how many documents to return beside the counts.
    :raises ConfigurationError: as ``request_erasure``.
    """
    person, due = _checked(
        conn, organization=organization, person=person, fields=fields, due_on=due_on, now=now
    )
    with conn.transaction(force_rollback=True):
        earlier = erasures.find_earlier(conn, organization_id=organization.id, person=person)
        documents = erasures.find_documents(
            conn, organization_id=organization.id, person=person, fields=fields
        )
        plan = plan_erasure(
            conn,
            organization=organization,
            document_ids=documents,
            authority=_PREVIEW,
            due_on=due,
            now=now,
            dag_id=_PREVIEW,
            run_id=_PREVIEW,
            requested_by=actor,
        )
        return Preview(
            documents=len(documents),
            to_do=plan.document_count,
            outcomes=erasures.count_obstacles(conn, plan.plan_id),
            items=stored_plans.list_items(conn, plan.plan_id, after=after, size=size),
            due_on=due,
            earlier=earlier,
        )


def request_erasure(
    conn: Connection,
    *,
    organization: Organization,
    person: str,
    fields: Sequence[str] = (),
    due_on: date | None = None,
    now: datetime,
    dag_id: str,
    run_id: str,
    actor: str,
) -> Answer:
    """Store a request with its plan; nothing is destroyed before that is approved.

    Killed, it leaves both or neither. The same run asking again is told how its request stands.

    :param person: as documents name them: their owner, in whatever letters.
    :param fields: declared metadata keys whose value may be the person, too.
    :param due_on: when the person must have an answer; a month from today if None.
    :raises ConfigurationError: nobody is named, a field is not declared, or the day is past.
    :raises RefusedError: the person has an open request, which another run has planned.
    """
    person, due = _checked(
        conn, organization=organization, person=person, fields=fields, due_on=due_on, now=now
    )
    with conn.transaction():
        organizations.lock_planning(conn, organization.id)
        earlier = erasures.find_earlier(conn, organization_id=organization.id, person=person)
        if earlier is not None:
            found = answer(conn, organization=organization, request_id=earlier)
            own = plans.find_own(
                conn,
                dag_id=dag_id,
                run_id=run_id,
                organization_id=organization.id,
                rule_version_id=None,
                selection_key=authority_of(earlier),
            )
            if own is not None and set(found.request.fields) == set(fields):
                return found
            raise RefusedError(
                f"this person has request {earlier}, which is open. Look for documents that came "
                f"since with: doclife erasure plan {earlier}"
            )
        request_id = erasures.insert(
            conn,
            organization_id=organization.id,
            person=person,
            fields=fields,
            due_on=due,
            actor=actor,
            now=now,
        )
        audit.record(
            conn,
            organization_id=organization.id,
            at=now,
            actor=actor,
            action="erasure.requested",
            reason=authority_of(request_id),
            details={"request_id": request_id, "due_on": str(due)},
        )
        return plan_request(
            conn,
            organization=organization,
            request_id=request_id,
            now=now,
            dag_id=dag_id,
            run_id=run_id,
            actor=actor,
        )


def plan_request(
    conn: Connection,
    *,
    organization: Organization,
    request_id: int,
    now: datetime,
    dag_id: str,
    run_id: str,
    actor: str,
) -> Answer:
    """Plan what an open request asks for, with what came since; while a plan is open, that one.

    :raises ConfigurationError: there is no such request.
    :raises RefusedError: it is closed.
    """
    request = _open(conn, organization, request_id)
    authority = authority_of(request_id)
    found = erasures.find_open_plan(conn, organization_id=organization.id, selection_key=authority)
    documents = _documents(conn, organization, request)
    if found is None and documents:
        found = plan_erasure(
            conn,
            organization=organization,
            document_ids=documents,
            authority=authority,
            due_on=request.due_on,
            now=now,
            dag_id=dag_id,
            run_id=run_id,
            requested_by=actor,
        ).plan_id
    erasures.set_plan(conn, request_id, plan_id=found)
    return answer(conn, organization=organization, request_id=request_id)


def answer(conn: Connection, *, organization: Organization, request_id: int) -> Answer:
    """Return how a request stands.

    :raises ConfigurationError: there is no such request.
    """
    request = _find(conn, organization, request_id)
    return Answer(
        request=request,
        plan=None if request.plan_id is None else stored_plans.summary(conn, request.plan_id),
        outcomes=[] if request.plan_id is None else erasures.count_obstacles(conn, request.plan_id),
        remaining=len(_documents(conn, organization, request)),
    )


def list_requests(
    conn: Connection,
    *,
    organization: Organization,
    is_open: bool | None = None,
    before: int | None = None,
    size: int = 50,
) -> list[ErasureRequest]:
    """Return the requests of an organization, the newest first."""
    return erasures.list_requests(
        conn, organization_id=organization.id, is_open=is_open, before=before, size=size
    )


def list_open(
    conn: Connection,
    *,
    organization: Organization,
    due_by: date | None = None,
    after: tuple[date | None, int] | None = None,
    size: int = 50,
) -> list[ErasureRequest]:
    """Return the open requests, those that must be answered soonest first.

    :param due_by: only those whose answer is due by this day.
    :param after: deadline and number of the last request of the page before.
    """
    return erasures.list_open(
        conn, organization_id=organization.id, due_by=due_by, after=after, size=size
    )


def close_request(
    conn: Connection, *, organization: Organization, request_id: int, actor: str, now: datetime
) -> Answer:
    """Close a request: the person had an answer. It names nobody from here on.

    What is kept stays kept, with its reason in the plan.

    :raises RefusedError: it is closed, or its plan is still open, or has not destroyed yet what it
        trashed: what is approved must not lose its request, and what is to be destroyed is not
        kept.
    """
    request = _open(conn, organization, request_id)
    authority = authority_of(request_id)
    unfinished = _unfinished(conn, organization, request_id)
    if unfinished is not None:
        raise RefusedError(unfinished)
    with conn.transaction():
        kept = len(_documents(conn, organization, request))
        erased = erasures.close(conn, request_id, kept_count=kept, actor=actor, now=now)
        audit.record(
            conn,
            organization_id=organization.id,
            at=now,
            actor=actor,
            action="erasure.closed",
            plan_id=request.plan_id,
            reason=authority,
            details={"request_id": request_id, "erased": erased, "kept": kept},
        )
    return answer(conn, organization=organization, request_id=request_id)


def close_what_is_done(conn: Connection, *, actor: str, now: datetime) -> list[int]:
    """Close the requests of which nothing is left; return their numbers."""
    closed = []
    for tenant in organizations.list_all(conn):
        for request in list_requests(conn, organization=tenant, is_open=True, size=10_000):
            if (
                request.plan_state == "applied"
                and not _documents(conn, tenant, request)
                and _unfinished(conn, tenant, request.request_id) is None
            ):
                close_request(
                    conn,
                    organization=tenant,
                    request_id=request.request_id,
                    actor=actor,
                    now=now,
                )
                closed.append(request.request_id)
    return closed


def authority_of(request_id: int) -> str:
    """Return what everything else calls a request."""
    return f"erasure request {request_id}"


def _checked(
    conn: Connection,
    *,
    organization: Organization,
    person: str,
    fields: Sequence[str],
    due_on: date | None,
    now: datetime,
) -> tuple[str, date]:
    """Return whom a request is about and by when they must have an answer.

    :raises ConfigurationError: nobody is named, a field is not declared, or the day is past.
    """
    person = person.strip()
    if not person:
        raise ConfigurationError("an erasure request names a person, as documents name their owner")
    if (fault := text_fault(person)) is not None:
        raise ConfigurationError(f"the name of a person cannot be {fault}")
    today = organization.date_of(now)
    unknown = sorted({*fields} - organizations.metadata_types(conn, organization.id).keys())
    if unknown:
        raise ConfigurationError(
            f"metadata {', '.join(unknown)} is not declared in organization {organization.slug}"
        )
    due = due_on or ANSWERED_WITHIN.add_to(today)
    if due < today:
        raise ConfigurationError(f"the answer cannot be due on {due}: today is {today}")
    return person, due


def _unfinished(conn: Connection, organization: Organization, request_id: int) -> str | None:
    """Return what is still to be done about a request's documents; None when nothing is."""
    authority = authority_of(request_id)
    open_plan = erasures.find_open_plan(
        conn, organization_id=organization.id, selection_key=authority
    )
    if open_plan is not None:
        return (
            f"plan {open_plan} of this request is open: let it be approved and applied, or reject "
            "it, first."
        )
    unpurged = erasures.count_unpurged(
        conn, organization_id=organization.id, selection_key=authority
    )
    if unpurged:
        return (
            f"{unpurged} document(s) of this request are still to be destroyed. Let that be done: "
            "doclife erasure settle. What it says cannot be, can be restored while it is in the "
            "trash."
        )
    return None


def _documents(conn: Connection, organization: Organization, request: ErasureRequest) -> list[int]:
    if request.person is None:
        return []
    return erasures.find_documents(
        conn, organization_id=organization.id, person=request.person, fields=request.fields
    )


def _find(conn: Connection, organization: Organization, request_id: int) -> ErasureRequest:
    found = erasures.list_requests(
        conn, organization_id=organization.id, request_id=request_id, size=1
    )
    if not found:
        raise ConfigurationError(
            f"organization {organization.slug} has no erasure request {request_id}. "
            "See: doclife erasure list"
        )
    return found[0]


def _open(conn: Connection, organization: Organization, request_id: int) -> ErasureRequest:
    request = _find(conn, organization, request_id)
    if request.state != "open":
        raise RefusedError(f"erasure request {request_id} is closed: it names nobody now.")
    return request
