"""Whether what runs is well: the queue, plans, nights and stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from doclife.domain.checkup import Finding, fault, ok, warning


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """How the queue is; see ``doctor/describe_queue``."""

    oldest_due_at: datetime | None
    calls_without_endpoint: int
    expired_workers: int
    expired_since: datetime | None
    failed_today: int


WAIT_WARNING, WAIT_FAULT = timedelta(minutes=15), timedelta(hours=6)
"""A job whose turn has come is sent within seconds, or within minutes behind a large batch."""
RESCUE_WARNING = timedelta(minutes=10)
"""The next drain rescues what a dead one held, within its lease."""


def judge_queue(queue: Queue, *, now: datetime) -> Iterator[Finding]:
    """Judge whether jobs leave."""
    waited = timedelta() if queue.oldest_due_at is None else now - queue.oldest_due_at
    if waited >= WAIT_WARNING:
        judged = fault if waited >= WAIT_FAULT else warning
        yield judged(
            "queue",
            f"a job has been waiting for {in_words(waited)} though nothing keeps it back",
            fix="look whether process_queue is unpaused and the triggerer runs; meanwhile: "
            "doclife jobs drain",
        )
    else:
        yield ok("queue", "no job waits that could go")
    if queue.expired_since is not None and now - queue.expired_since >= RESCUE_WARNING:
        yield warning(
            "queue",
            f"{queue.expired_workers} worker(s) died and their batches were not taken up for "
            f"{in_words(now - queue.expired_since)}",
            fix="they are rescued by the next drain: doclife jobs drain",
        )
    if queue.calls_without_endpoint:
        yield warning(
            "queue",
            f"{queue.calls_without_endpoint} webhook call(s) wait for an endpoint of their name",
            fix="doclife jobs list --kind webhook shows the name; doclife endpoints add NAME URL",
        )
    if queue.failed_today:
        yield warning(
            "queue",
            f"{queue.failed_today} job(s) were given up in the last 24 hours",
            fix="doclife jobs list --state failed; when the reason is gone: doclife jobs retry",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelTrouble:
    """A channel that is stopped, or an endpoint that is disabled."""

    name: str
    organization: str | None
    state: str
    reason: str


def judge_channels(troubles: Sequence[ChannelTrouble]) -> Iterator[Finding]:
    """Judge what keeps messages back."""
    for one in troubles:
        if one.organization is None:
            yield fault(
                f"channel {one.name}",
                f"stopped, its jobs wait untried: {one.reason}",
                fix="correct the credentials of its service; it is tried again by itself",
            )
        else:
            yield warning(
                f"endpoint {one.name}",
                f"disabled: {one.reason}",
                fix=f"ask its receiver, then: doclife endpoints enable {one.name} "
                f"-o {one.organization}",
            )
    if not troubles:
        yield ok("channels", "none is stopped, and no endpoint is disabled")


@dataclass(frozen=True, kw_only=True, slots=True)
class SlowPlan:
    """A plan that is being applied or waits for a person."""

    plan_id: int
    organization: str
    state: str
    since: datetime


STUCK_AFTER, LAPSES_SOON = timedelta(hours=3), timedelta(days=5)
"""A shard notes its progress with each batch. A plan that waits may be seven days old."""


def judge_plans(plans: Sequence[SlowPlan], *, now: datetime) -> Iterator[Finding]:
    """Judge whether plans go on."""
    well = True
    for plan in plans:
        age = now - plan.since
        if plan.state == "needs_approval":
            if age >= LAPSES_SOON:
                well = False
                yield warning(
                    f"plan {plan.plan_id}",
                    f"of {plan.organization} has waited for a person for {in_words(age)}; after "
                    "7 days it lapses",
                    fix="answer it under Required Actions in Airflow, or: "
                    f"doclife plans show {plan.plan_id} --items",
                )
        elif age >= STUCK_AFTER:
            well = False
            yield warning(
                f"plan {plan.plan_id}",
                f"of {plan.organization} is {plan.state} and nothing has moved for {in_words(age)}",
                fix="clear its failed tasks in Airflow (it goes on where it stopped), or: "
                f"doclife plans apply {plan.plan_id}",
            )
    if well:
        yield ok("plans", "none is stuck, and none is about to lapse")


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """When an organization was last checked; ``begun_at`` is None while it has no documents."""

    organization: str
    begun_at: datetime | None
    checked_at: datetime | None


NIGHT_WARNING, NIGHT_FAULT = timedelta(hours=26), timedelta(hours=50)
"""One night that did not come, and two. Two hours are for a night that is long."""


def judge_nights(nights: Sequence[Night], *, now: datetime) -> Iterator[Finding]:
    """Judge whether the nightly runs come."""
    late = []
    for night in nights:
        if night.begun_at is None:
            continue
        age = now - (night.checked_at or night.begun_at)
        if age < NIGHT_WARNING:
            continue
        late.append(night)
        judged = fault if age >= NIGHT_FAULT else warning
        yield judged(
            "nights",
            f"{night.organization} was "
            + ("never checked for expiry" if night.checked_at is None else "last checked for")
            + ("" if night.checked_at is None else f" expiry {in_words(age)} ago"),
            fix="look at check_expired_documents and execute_automation_rules in Airflow (paused? "
            "red? is the scheduler up?); nothing is lost: the next run catches up",
        )
    if not late:
        yield ok("nights", "the last one came for every organization with documents")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreState:
    """A store as it is now.

    :param marker: ``ours``, ``foreign``, ``absent`` or ``unreachable``.
    :param is_writable: None where only trying would tell.
    :param probe_fault: what did not work when a file was written, read and removed; None when all
        of it did, or when it was not tried.
    :param archived_by: rules that archive into it.
    :param free_bytes: None where it is not on this machine; likewise ``total_bytes``.
    """

    name: str
    root_uri: str
    marker: str
    detail: str | None
    is_writable: bool | None
    probe_fault: str | None
    archived_by: Sequence[str]
    free_bytes: int | None
    total_bytes: int | None


LEAST_FREE_FRACTION, LEAST_FREE_BYTES = 0.05, 1_000_000_000


def judge_stores(stores: Sequence[StoreState]) -> Iterator[Finding]:
    """Judge whether stores are there, are ours, can be written to and have room."""
    for store in stores:
        about = f"store {store.name}"
        needed = f"; {', '.join(store.archived_by)} archive into it" if store.archived_by else ""
        if store.marker != "ours":
            judged = fault if store.archived_by or store.marker == "unreachable" else warning
            yield judged(
                about,
                (store.detail or f"{store.root_uri} has no marker of ours ({store.marker})")
                + needed,
                fix="mount or unlock it; only when it is certainly the right one and ours alone: "
                f"doclife stores adopt {store.name}",
            )
            continue
        if store.is_writable is False:
            judged = fault if store.archived_by else warning
            yield judged(
                about,
                f"{store.root_uri} cannot be written to by this user: nothing can be archived into "
                f"it or purged from it{needed}",
                fix="give the users of the tasks and of the command line rights on the folder",
            )
            continue
        if store.probe_fault is not None:
            judged = fault if store.archived_by else warning
            yield judged(
                about,
                f"{store.root_uri} is ours, and {store.probe_fault}{needed}",
                fix="give the users of the tasks and of the command line the rights to read, "
                "write and remove there (a bucket: s3:GetObject, PutObject, DeleteObject and, with "
                "versions, DeleteObjectVersion)",
            )
            continue
        free, total = store.free_bytes, store.total_bytes
        if free is not None and total and _is_short(free, total):
            judged = fault if free < LEAST_FREE_BYTES and store.archived_by else warning
            yield judged(
                about,
                f"{free / 1e9:.1f} of {total / 1e9:.1f} GB are free on its disk",
                fix="make room: an archive that finds none leaves its documents where they are",
            )
            continue
        yield ok(about, "reachable and ours")
    if not stores:
        yield ok("stores", "none is registered yet")


def _is_short(free: int, total: int) -> bool:
    return free < LEAST_FREE_BYTES or free < LEAST_FREE_FRACTION * total


def in_words(length: timedelta) -> str:
    """Return a length of time as people say it: ``40 min``, ``7 h``, ``3 days``."""
    if length < timedelta(hours=2):
        return f"{length // timedelta(minutes=1)} min"
    if length < timedelta(days=2):
        return f"{length // timedelta(hours=1)} h"
    return f"{length // timedelta(days=1)} days"
