"""What doclife measures of itself: this list, and nothing else is ever sent (docs/metrics.md).

Every label but the organization, which only a setting adds, has a closed list of values, and each
of its values is sent every time: what is not there any more is 0, and does not stay as it was.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from doclife.domain.plan import PlanState

KINDS = ("email", "webhook", "slack", "archive", "delete", "notification", "report")
"""Kinds of jobs."""
CHANNELS = ("email", "webhook", "slack")
"""Kinds that go to somebody's server, whose slowness is theirs."""
JOB_STATES = ("due", "kept_back", "later", "processing")
OUTCOMES = ("sent", "retry", "dead", "unknown")
OPEN_STATES = (
    PlanState.PLANNED,
    PlanState.NEEDS_APPROVAL,
    PlanState.APPROVED,
    PlanState.APPLYING,
)
STATUSES = ("active", "archived", "deleted", "purging", "purged")
SCOPES = ("rule", "organization", "deployment")
LIMITS = ("max_documents", "max_fraction", "drift")
WITHIN_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, float("inf"))
"""Upper bounds by which the time of an attempt is counted."""


class MetricType(StrEnum):
    """How the numbers of a metric are read."""

    GAUGE = "gauge"
    """How it is now."""
    DAY_TOTAL = "total of the day"
    """Rises from 0 at midnight (UTC): read it with ``increase`` or ``rate``, which know that."""
    MOMENT = "moment"
    """Seconds since 1970: ``time() - metric`` is how long ago."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One thing that is measured.

    :param name: as Airflow's metrics have it, without their prefix.
    :param meaning: one sentence, without a full stop.
    :param labels: each with all its values; what has none is one number.
    :param is_of_organization: whether it can be told apart by organization.
    """

    name: str
    meaning: str
    type: MetricType = MetricType.GAUGE
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_of_organization: bool = False

    def combinations(self) -> Iterator[dict[str, str]]:
        """Yield every combination of values of the labels."""
        for values in itertools.product(*self.labels.values()):
            yield dict(zip(self.labels, values, strict=True))

    @property
    def prometheus_name(self) -> str:
        """The name in Prometheus, by way of StatsD and of OpenTelemetry alike."""
        return f"airflow_{self.name}".replace(".", "_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One number."""

    metric: str
    value: float
    """Never negative: over StatsD a sign would mean a change."""
    labels: Mapping[str, str]


def bound(seconds: float) -> str:
    """Return a bound as a label: shortest form, which Prometheus reads as a number."""
    return "Inf" if seconds == float("inf") else f"{seconds:g}"


QUEUE_JOBS = Metric(
    name="doclife.queue.jobs",
    meaning="jobs that are not finished: due now, kept back (their endpoint rests or is disabled, "
    "or their channel is stopped), for later, or being processed",
    labels={"kind": KINDS, "state": JOB_STATES},
    is_of_organization=True,
)
QUEUE_AGE = Metric(
    name="doclife.queue.oldest_due_seconds",
    meaning="for how long the job has been due that has waited longest, of those that nothing "
    "keeps back",
    labels={"kind": KINDS},
    is_of_organization=True,
)
QUEUE_FAILED = Metric(
    name="doclife.queue.failed",
    meaning="jobs that were given up, and lie there until somebody tries them again",
    labels={"kind": KINDS},
    is_of_organization=True,
)
DELIVERIES = Metric(
    name="doclife.deliveries.today",
    meaning="attempts to deliver or do a job, by what came of them",
    type=MetricType.DAY_TOTAL,
    labels={"kind": KINDS, "outcome": OUTCOMES},
)
DELIVERIES_WITHIN = Metric(
    name="doclife.deliveries.within_today",
    meaning="attempts that took no longer than so many seconds, as a histogram counts them",
    type=MetricType.DAY_TOTAL,
    labels={"kind": CHANNELS, "le": tuple(bound(seconds) for seconds in WITHIN_SECONDS)},
)
CHANNEL_STOPPED = Metric(
    name="doclife.channels.stopped",
    meaning="1 while a channel is left alone because its credentials were refused",
    labels={"kind": CHANNELS},
)
ENDPOINTS_DISABLED = Metric(
    name="doclife.endpoints.disabled",
    meaning="webhook endpoints that are disabled",
    is_of_organization=True,
)
PLANS_OPEN = Metric(
    name="doclife.plans.open",
    meaning="plans that are meant and not ended",
    labels={"state": OPEN_STATES},
    is_of_organization=True,
)
PLANS_WAITING = Metric(
    name="doclife.plans.waiting_seconds",
    meaning="for how long the plan has waited for an approval that has waited longest",
    is_of_organization=True,
)
PLANS_TRIPPED = Metric(
    name="doclife.plans.tripped_today",
    meaning="plans of today that tripped the circuit breaker, by limit",
    type=MetricType.DAY_TOTAL,
    labels={"scope": SCOPES, "limit": LIMITS},
    is_of_organization=True,
)
DOCUMENTS = Metric(
    name="doclife.documents.count",
    meaning="documents in the catalogue; an estimate from a sample once there are many",
    labels={"status": STATUSES},
    is_of_organization=True,
)
DOCUMENTS_HELD = Metric(
    name="doclife.documents.held",
    meaning="documents under a legal hold; an estimate likewise",
    is_of_organization=True,
)
HALTED = Metric(
    name="doclife.halted",
    meaning="1 while everything that acts is halted",
)
DAMAGED = Metric(
    name="doclife.fixity.damaged",
    meaning="stored objects whose bytes are not the recorded ones",
)
STEP_SUCCESS = Metric(
    name="doclife.steps.last_success",
    meaning="when a task of our DAGs last ended well",
    type=MetricType.MOMENT,
)
MEASURED = Metric(
    name="doclife.measured.at",
    meaning="when all of this was measured",
    type=MetricType.MOMENT,
)
MEASURING_SECONDS = Metric(
    name="doclife.measured.seconds",
    meaning="how long measuring took",
)

METRICS = (
    QUEUE_JOBS,
    QUEUE_AGE,
    QUEUE_FAILED,
    DELIVERIES,
    DELIVERIES_WITHIN,
    CHANNEL_STOPPED,
    ENDPOINTS_DISABLED,
    PLANS_OPEN,
    PLANS_WAITING,
    PLANS_TRIPPED,
    DOCUMENTS,
    DOCUMENTS_HELD,
    HALTED,
    DAMAGED,
    STEP_SUCCESS,
    MEASURED,
    MEASURING_SECONDS,
)
STEP_LABELS = ("dag", "task")
"""Of ``STEP_SUCCESS``: the tasks that have ended well at least once; nothing is sent for others."""
