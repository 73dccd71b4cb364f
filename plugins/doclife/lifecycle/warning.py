"""Warnings: tells people some days before what a rule will do, so that they can speak up."""

import logging
from dataclasses import replace
from datetime import date, datetime, timedelta

from doclife.delivery.links import NO_LINKS, Links
from doclife.domain.actions import ActionType, NotifyAction, NotifySettings
from doclife.domain.address import is_address, mailbox_key
from doclife.domain.compiler import Compiler
from doclife.domain.message import Message, Unsendable
from doclife.domain.organization import Organization
from doclife.domain.protections import protections
from doclife.domain.recipient import recipient_fault
from doclife.domain.rule import Mode, Rule
from doclife.lifecycle.alerting import alert_of_templates
from doclife.lifecycle.composing import Concern, KeepOffer, Occasion, compose_notice
from doclife.lifecycle.judging import compilers_for
from doclife.lifecycle.keeping import kept_until
from doclife.lifecycle.preferring import wishes_of
from doclife.store import audit, notices, organizations, rules
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)

BATCH_SIZE = 500
"""Documents per transaction; each message is rendered here."""
CLAMPING_DAYS = 4
"""``day - 1mo`` may reach a day that ``today + 1mo`` does not, at the ends of months."""

SETTLING_DAYS = 4
"""A warning counts when nothing came back for 72 hours; a night sees that on the fourth day."""

TO_OWNER = NotifySettings(to="{{ document.owner }}")
"""Whom a rule warns that has no NOTIFY of its own."""


def warn_owners(
    conn: Connection,
    *,
    now: datetime,
    as_of: datetime,
    actor: str,
    organization: Organization,
    links: Links = NO_LINKS,
) -> int:
    """Store the warnings that are due in one organization; return how many were new.

    A rule in mode enforce with ``warn: [30d, 7d, 1d]`` warns of the day of its last destructive
    action (else of its first action): once per window and day, and of missed windows only the
    nearest. Its NOTIFY actions say whom; without one it is the document's owner. Documents that
    are held are not warned of, and of those that another rule retains or that have a reprieve
    the day is warned of on which they will really go. A second call stores nothing.

    A rule that requires a delivered warning also warns of what is past due and was never warned of,
    and warns the organization's fallback recipient when nobody else could be reached.

    :param as_of: the decision moment; its date in the organization's zone is today.
    :param links: where the warnings lead. Before an ARCHIVE or a DELETE each has a link of its own
        by which its reader keeps the document, unless the rule forbids it or somebody did already.
    """
    today = organization.date_of(as_of)
    compilers = compilers_for(
        rules.list_current(conn, organization.id),
        organization=organization,
        metadata_types=organizations.metadata_types(conn, organization.id),
        as_of=today,
    )
    total = 0
    for compiler in compilers:
        rule = compiler.rule
        if rule.mode is not Mode.ENFORCE or not rule.warn or not rule.actions:
            continue
        if rule.requires_warning:
            notices.settle(conn, rule_id=compiler.rule_version.rule_id, now=now)
        _collect(conn, compiler, compilers, organization=organization, today=today)
        total += _warn(
            conn,
            compiler,
            organization=organization,
            now=now,
            today=today,
            actor=actor,
            links=links,
        )
    alert_of_templates(conn, now=now)
    return total


def target_of(rule: Rule) -> int:
    """Return the position of the action that a rule warns of."""
    destructive = [
        index
        for index, action in enumerate(rule.actions)
        if action.do in (ActionType.ARCHIVE, ActionType.DELETE)
    ]
    return destructive[-1] if destructive else 0


def _ways_to_tell(rule: Rule) -> dict[int, NotifySettings]:
    """Whom to tell, by the position of the action that says so."""
    told = {
        index: action.with_
        for index, action in enumerate(rule.actions)
        if isinstance(action, NotifyAction)
    }
    return told or {target_of(rule): TO_OWNER}


def _collect(
    conn: Connection,
    compiler: Compiler,
    compilers: list[Compiler],
    *,
    organization: Organization,
    today: date,
) -> None:
    rule = compiler.rule
    fallback = _fallback(organization)
    target = target_of(rule)
    action = rule.actions[target].do
    # What a rule retains itself does not speak against the message that it sends meanwhile.
    keepers = [one for one in compilers if action is ActionType.DELETE or one is not compiler]
    notices.collect_warnings(
        conn,
        hits=compiler.hits(organization_id=organization.id, due_by=_horizon(rule, today)),
        protections=protections(keepers, candidates="candidates"),
        rule_id=compiler.rule_version.rule_id,
        target=target,
        target_action=str(action),
        action_indexes=sorted(_ways_to_tell(rule)),
        windows=[window.to_interval() for window in rule.warns_before],
        is_required=rule.requires_warning,
        fallback=mailbox_key(fallback) if fallback else None,
        today=today,
    )


def _fallback(organization: Organization) -> str | None:
    address = (organization.fallback_recipient or "").strip()
    # A template is an address to no mail server.
    return address if is_address(address) and recipient_fault(address) is None else None


def _horizon(rule: Rule, today: date) -> date:
    """Return a day that nothing to be warned of today lies beyond."""
    try:
        return max(window.add_to(today) for window in rule.warns_before) + timedelta(
            days=CLAMPING_DAYS
        )
    except OverflowError:
        return date.max


def _warn(
    conn: Connection,
    compiler: Compiler,
    *,
    organization: Organization,
    now: datetime,
    today: date,
    actor: str,
    links: Links,
) -> int:
    total, after = 0, 0
    unsendable: list[Unsendable] = []
    while found := notices.next_warnings(conn, after=after, size=BATCH_SIZE):
        after = found[-1].document_id
        current = [warning for warning in found if warning.is_current]
        ordinary = [warning for warning in current if not warning.to_fallback]
        redirected = [warning for warning in current if warning.to_fallback]
        told = [
            (index, settings, ordinary) for index, settings in _ways_to_tell(compiler.rule).items()
        ]
        fallback = _fallback(organization)
        if redirected and fallback is not None:
            told.append((target_of(compiler.rule), NotifySettings(to=fallback), redirected))
        with conn.transaction():
            for index, settings, warnings in told:
                occasion = _occasion(compiler, organization, index=index, now=now, links=links)
                composed = _compose(
                    conn, occasion, settings, warnings, rule=compiler.rule, today=today
                )
                unsendable += [one for one in composed if isinstance(one, Unsendable)]
                total += len(
                    notices.store(
                        conn,
                        [one for one in composed if isinstance(one, Message)],
                        organization_id=organization.id,
                        rule_id=occasion.rule_id,
                        action_index=index,
                        plan_id=None,
                        now=now,
                        actor=actor,
                        rule=occasion.rule_name,
                        audit_action="document.warned",
                    )
                )
    if unsendable:
        _report(conn, compiler, unsendable, organization=organization, now=now, actor=actor)
    return total


def _occasion(
    compiler: Compiler, organization: Organization, *, index: int, now: datetime, links: Links
) -> Occasion:
    version = compiler.rule_version
    return Occasion(
        organization=organization,
        rule=version.rule,
        rule_id=version.rule_id,
        rule_name=f"{version.rule.name}@{version.version}",
        action_index=index,
        action=str(version.rule.actions[target_of(version.rule)].do),
        plan_id=None,
        now=now,
        links=links,
    )


def _compose(
    conn: Connection,
    occasion: Occasion,
    settings: NotifySettings,
    warnings: list[notices.DueWarning],
    *,
    rule: Rule,
    today: date,
) -> list[Message | Unsendable]:
    documents = notices.read_documents(conn, [warning.document_id for warning in warnings])
    is_destruction = occasion.action in (ActionType.ARCHIVE, ActionType.DELETE)
    occasion = replace(
        occasion,
        wishes=wishes_of(
            conn,
            organization=occasion.organization,
            settings=settings,
            documents=documents.values(),
        ),
    )
    return [
        compose_notice(
            occasion,
            Concern(
                document=documents[warning.document_id],
                anchor_on=warning.anchor_on,
                due_on=warning.goes_on,
                window_days=warning.window_days,
                days_left=(day - today).days,
                said_on=day,
                redirected_to=mailbox_key(settings.to) if warning.to_fallback else None,
                keep=_keep(occasion, rule, warning, day) if is_destruction else None,
            ),
            settings,
            template="deletion-warning" if is_destruction else "expiry-warning",
        )
        for warning in warnings
        for day in (_day_to_say(rule, warning, today),)
    ]


def _keep(
    occasion: Occasion, rule: Rule, warning: notices.DueWarning, day: date
) -> KeepOffer | None:
    """Return what the link of a warning lets its reader do; None where it has none."""
    until = kept_until(rule, occasion.organization, goes_on=day)
    if warning.was_kept or until is None:
        return None
    return KeepOffer(rule_id=occasion.rule_id or 0, due_on=warning.due_on, goes_on=day, until=until)


def _day_to_say(rule: Rule, warning: notices.DueWarning, today: date) -> date:
    """Return the day before which the document certainly does not go."""
    if warning.window_days and not warning.to_fallback:
        return warning.goes_on
    # Nobody was warned before, so the deletion waits for this very warning.
    soonest = min(period.add_to(today) for period in rule.warns_before)
    return max(warning.goes_on, soonest, today + timedelta(days=SETTLING_DAYS))


def _report(
    conn: Connection,
    compiler: Compiler,
    unsendable: list[Unsendable],
    *,
    organization: Organization,
    now: datetime,
    actor: str,
) -> None:
    """Leave it in the audit trail that nobody could be warned; tomorrow it is tried again."""
    version = compiler.rule_version
    logger.warning(
        "Rule %s could not warn about %s documents: %s",
        version.rule.name,
        len(unsendable),
        unsendable[0].reason,
    )
    audit.record(
        conn,
        organization_id=organization.id,
        at=now,
        actor=actor,
        rule=f"{version.rule.name}@{version.version}",
        action="warning.not_sent",
        reason=f"{len(unsendable)} document(s); the first: {unsendable[0].reason}",
        details={"document_ids": [one.document_id for one in unsendable[:20]]},
    )
