"""Tests of rules: documents are registered, the night is planned, and everything is rolled back.

What a test says of a rule is what a plan says of it: the same functions decide, in mode simulate,
in an organization of the test's own that nobody else ever sees.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from doclife.domain.actions import ActionType
from doclife.domain.compiler import RuleVersion
from doclife.domain.expectation import (
    Case,
    ExpectedDocument,
    LocatedExpectations,
    Setting,
)
from doclife.domain.faults import Path
from doclife.domain.fields import MetadataType
from doclife.domain.organization import Organization
from doclife.domain.outcome import Outcome, Refusal, Wish, differences
from doclife.domain.plan import DESTRUCTIVE
from doclife.domain.protections import protections
from doclife.domain.rule import Mode, Rule
from doclife.lifecycle import holding, planning
from doclife.lifecycle.judging import compilers_for
from doclife.lifecycle.tenants import OrganizationSettings, add_organization
from doclife.store import organizations, rule_tests, rules, stored_plans
from doclife.store.connection import Connection

ACTOR = "rules test"
_REGISTERED_YEARS_BEFORE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One expectation and what came of it."""

    file: str
    line: int
    case: str
    document: str
    as_of: date
    differences: tuple[str, ...] = ()
    """One sentence for each thing that is otherwise than expected."""

    @property
    def is_met(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """Rules that are in force together, from one or more files."""

    rules: tuple[Rule, ...]
    metadata_types: Mapping[str, MetadataType] = field(default_factory=dict)


def check_expectations(
    conn: Connection,
    *,
    expectations: LocatedExpectations,
    rule_set: RuleSet,
    slug: str,
    now: datetime,
) -> Iterator[Result]:
    """Yield one result per expectation, in the order of the file; nothing is kept.

    Rules that are not off are judged as if all of them were enforced.

    :param slug: short name of an organization that does not exist.
    :param now: the present by the database's clock; days beyond it are looked ahead to.
    """
    for number, case in enumerate(expectations.content.cases):
        with conn.transaction(force_rollback=True):
            setting = expectations.content.organization
            yield from _check_case(
                conn,
                expectations,
                number,
                case,
                _World(
                    organization=_add_organization(conn, slug, setting, now),
                    versions=_apply(conn, slug, rule_set, now),
                    metadata_types=dict(rule_set.metadata_types),
                    now=now,
                ),
            )


@dataclass(frozen=True, kw_only=True)
class _World:
    organization: Organization
    versions: Sequence[RuleVersion]
    metadata_types: dict[str, MetadataType]
    now: datetime

    def moment(self, day: date) -> datetime:
        """The end of a day in the organization's zone: all of it has happened."""
        return datetime.combine(day, time.max, tzinfo=ZoneInfo(self.organization.time_zone))


def _check_case(
    conn: Connection, expectations: LocatedExpectations, number: int, case: Case, world: _World
) -> Iterator[Result]:
    asked = [
        (position, at, document, expectation, day)
        for position, document in enumerate(case.documents)
        for at, expectation in enumerate(document.expect)
        if (day := expectation.as_of or case.as_of) is not None
    ]
    days = sorted({day for *_rest, day in asked})
    ids = _register(conn, case.documents, world, first_day=days[0])
    outcomes: dict[date, dict[int, Outcome]] = {}
    for day in days:
        # Each day is a night of its own: what one planned, another does not see.
        with conn.transaction(force_rollback=True):
            outcomes[day] = _judge(conn, world, day, list(ids.values()))
    for position, at, document, expectation, day in asked:
        path: Path = ("cases", number, "documents", position, "expect", at)
        yield Result(
            file=expectations.file,
            line=expectations.line(path),
            case=case.name,
            document=document.id,
            as_of=day,
            differences=tuple(differences(expectation, outcomes[day][ids[document.id]])),
        )


def _add_organization(conn: Connection, slug: str, setting: Setting, now: datetime) -> Organization:
    add_organization(
        conn,
        slug=slug,
        settings=OrganizationSettings(
            time_zone=setting.time_zone, cooling_off_days=setting.cooling_off_days
        ),
        now=now,
        actor=ACTOR,
    )
    return organizations.find(conn, slug)


def _apply(conn: Connection, slug: str, rule_set: RuleSet, now: datetime) -> Sequence[RuleVersion]:
    tenant = organizations.find(conn, slug)
    organizations.declare_metadata(conn, tenant.id, rule_set.metadata_types)
    return [
        rules.add_version(
            conn,
            organization_id=tenant.id,
            rule=rule.model_copy(update={"mode": Mode.SIMULATE}),
            source="",
            author=ACTOR,
            commit=None,
            now=now,
        )
        for rule in rule_set.rules
        if rule.mode is not Mode.OFF
    ]


def _register(
    conn: Connection, documents: Sequence[ExpectedDocument], world: _World, *, first_day: date
) -> dict[str, int]:
    tenant = world.organization
    long_ago = first_day - timedelta(
        days=min(_REGISTERED_YEARS_BEFORE * 365, first_day.toordinal() - 1)
    )
    registered = {one.id: one.registered_on or long_ago for one in documents}
    ids = rule_tests.insert_documents(
        conn,
        organization_id=tenant.id,
        store=tenant.slug,
        documents=[
            {
                **one.model_dump(mode="json", exclude={"id", "events", "holds", "expect"}),
                "external_id": one.id,
                "registered_at": world.moment(registered[one.id]).isoformat(),
            }
            for one in documents
        ],
    )
    rule_tests.insert_events(
        conn,
        organization_id=tenant.id,
        events=[
            {
                "document_id": ids[one.id],
                "type": event.type,
                "occurred_on": event.on.isoformat(),
                "recorded_at": world.moment(registered[one.id]).isoformat(),
                "withdrawn": event.withdrawn,
            }
            for one in documents
            for event in one.events
        ],
    )
    for matter in sorted({matter for one in documents for matter in one.holds}):
        holding.hold(
            conn,
            organization=tenant.slug,
            matter=matter,
            reason=ACTOR,
            document_ids=[ids[one.id] for one in documents if matter in one.holds],
            actor=ACTOR,
            now=world.now,
        )
    return ids


def _judge(
    conn: Connection, world: _World, day: date, document_ids: Sequence[int]
) -> dict[int, Outcome]:
    """Plan the night of a day and return what it comes to, by document."""
    outcomes = {document_id: Outcome() for document_id in document_ids}
    moment = world.moment(day)
    for summary in planning.plan_due_rules(
        conn,
        now=min(moment, world.now),
        as_of=moment,
        dag_id=ACTOR,
        run_id=f"{day}",
        requested_by=ACTOR,
        organization=world.organization.slug,
        mode=Mode.SIMULATE,
    ):
        rule = str(summary.rule).partition("@")[0]
        for item in stored_plans.list_items(
            conn, summary.plan_id, size=len(document_ids) * len(ActionType) * 10
        ):
            outcome = outcomes[item.document_id]
            if item.reason_code is None:
                wish = Wish(rule=rule, action=item.action, due_on=item.due_on)
                chosen = outcome.deeds if item.action in DESTRUCTIVE else outcome.messages
                chosen.append(wish)
            else:
                outcome.refusals.append(
                    Refusal(
                        rule=rule,
                        action=item.action,
                        due_on=item.due_on,
                        code=item.reason_code,
                        reason=item.reason,
                    )
                )
    _look_further(conn, world, day, outcomes)
    return outcomes


def _look_further(conn: Connection, world: _World, day: date, outcomes: dict[int, Outcome]) -> None:
    """Add every due date, what cannot be judged, and the longest retention."""
    compilers = compilers_for(
        world.versions,
        organization=world.organization,
        metadata_types=world.metadata_types,
        as_of=day,
    )
    for compiler in compilers:
        hits = compiler.hits(
            organization_id=world.organization.id, include_unknown=True, due_by=date.max
        )
        name = compiler.rule.name
        for hit in rule_tests.list_hits(conn, hits):
            outcome = outcomes[hit.document_id]
            if hit.is_unknown or hit.due_on is None:
                outcome.unknown.add(name)
            else:
                outcome.wishes.append(Wish(rule=name, action=hit.action, due_on=hit.due_on))
    for document_id in rule_tests.list_held(conn, organization_id=world.organization.id):
        outcomes[document_id].is_held = True
    names = {version.version_id: version.rule.name for version in world.versions}
    for protection in rule_tests.list_protections(
        conn,
        organization_id=world.organization.id,
        protections=protections(compilers, candidates="candidates"),
    ):
        outcome = outcomes[protection.document_id]
        outcome.retained_until = protection.retain_until
        outcome.retained_by = names[protection.rule_version_id]
