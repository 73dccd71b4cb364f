"""doclife forecast and overdue: what the rules will do, and what they should have done."""

import csv
import sys
from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer

from doclife.cli.options import Json, Limit, Organization
from doclife.cli.output import bar, counted, size
from doclife.cli.session import Session, session
from doclife.lifecycle.forecasting import (
    MONTHS_AHEAD,
    Forecast,
    ForecastCount,
    ForecastRecord,
)
from doclife.lifecycle.forecasting import forecast as look_ahead
from doclife.lifecycle.overdue import (
    REASONS,
    Overdue,
    OverduePage,
    count_overdue,
    list_overdue,
)

OUTSIDE = {
    "overdue": "overdue now",
    "later": "later than shown",
    "never": "never: retained for good or until an event",
    "held": "held: nobody knows when",
}
WIDE_BAR = 40


def forecast(
    months: Annotated[
        int, typer.Option(min=1, max=600, help="How many, this one included.")
    ] = MONTHS_AHEAD,
    rule: Annotated[str | None, typer.Option(metavar="NAME", help="Only this rule.")] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="One line per rule, action, month.")
    ] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show what the rules will do month by month: documents and bytes by action and rule.

    From the forecast that the last night rebuilt. What a DELETE puts into the trash is purged
    after the rule's grace period.
    """
    with session(as_json=as_json or as_csv, organization=organization) as s:
        found = look_ahead(
            s.conn, organization=s.organization, now=s.now(), months=months, rule=rule
        )
        if as_csv:
            _write_csv(found)
        else:
            document = {
                "organization": found.organization,
                "today": found.today,
                "rebuilt_at": found.rebuilt_at,
                "months": found.months,
                "counts": found.counts,
                "rules": found.rules,
            }
            s.output.show(document, people=lambda: _print_forecast(s, found))


def overdue(
    reason: Annotated[
        str | None, typer.Option(metavar="CODE", help="List those still here for this reason.")
    ] = None,
    rule: Annotated[str | None, typer.Option(metavar="NAME", help="Only this rule's.")] = None,
    after: Annotated[
        str | None, typer.Option(metavar="PLACE", help="Go on where the page before ended.")
    ] = None,
    limit: Limit = 20,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show everything that is past due, and the reason it is still here."""
    with session(as_json=as_json, organization=organization) as s:
        now = s.now()
        found = count_overdue(s.conn, organization=s.organization, now=now)
        page = list_overdue(
            s.conn,
            organization=s.organization,
            now=now,
            code=reason,
            rule=rule,
            after=after,
            size=limit,
        )
        document = {
            "organization": found.organization,
            "today": found.today,
            "groups": found.groups,
            "rules": found.rules,
            "documents": page.documents,
            "next_after": page.next_after,
        }
        s.output.show(document, people=lambda: _print_overdue(s, found, page))


def _write_csv(found: Forecast) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("rule", "version", "mode", "action", "bucket", "month", "documents", "bytes"))
    for one in found.counts:
        out.writerow(
            (
                one.rule or "",
                one.version or "",
                one.mode or "",
                one.action,
                one.bucket,
                one.month or "",
                one.documents,
                one.size_bytes,
            )
        )


def _print_forecast(s: Session, found: Forecast) -> None:
    enforced = [one for one in found.counts if one.mode != "simulate"]
    simulated = [one for one in found.counts if one.mode == "simulate"]
    s.output.say(
        f"What the rules of {found.organization} will do, if nothing changes ({_rebuilt(found)}):",
        style="bold",
    )
    _print_plot(s, found.months, enforced)
    for title, counts in (
        ("By rule", enforced),
        ("Rules that only simulate would", simulated),
    ):
        if counts:
            s.output.heading(title)
            _print_totals(s, counts)
    for one in _unknown(found.rules):
        s.output.say(one, style="yellow")
    s.output.say("By rule and month: --csv or --json.", style="dim")


def _rebuilt(found: Forecast) -> str:
    if found.rebuilt_at is None:
        return "not every rule was forecast yet; the night does it"
    return f"as of {found.rebuilt_at:%Y-%m-%d %H:%M %Z}"


def _print_plot(s: Session, months: Sequence[date], counts: Sequence[ForecastCount]) -> None:
    """One bar per month and action that has any, on one scale."""
    summed: dict[tuple[date, str], list[int]] = {}
    for one in counts:
        if one.month is not None:
            total = summed.setdefault((one.month, one.action), [0, 0])
            total[0] += one.documents
            total[1] += one.size_bytes
    most = max((documents for documents, _bytes in summed.values()), default=0)
    rows: list[tuple[object, ...]] = []
    for month in months:
        actions = sorted(action for at, action in summed if at == month)
        for position, action in enumerate(actions):
            documents, size_bytes = summed[month, action]
            rows.append(
                (
                    "" if position else f"{month:%Y-%m}",
                    action,
                    bar(documents, most, cells=WIDE_BAR, is_limit=False),
                    documents,
                    size(size_bytes),
                )
            )
        if not actions:
            rows.append((f"{month:%Y-%m}", "", "", 0, ""))
    s.output.table(
        ("month", "action", "documents", "", "size"),
        rows if most else [],
        empty="Nothing within these months.",
    )


def _print_totals(s: Session, counts: Sequence[ForecastCount]) -> None:
    summed: dict[tuple[str, str, str], list[int]] = {}
    for one in counts:
        label = f"{one.rule}@{one.version}" if one.rule else "in the trash now"
        total = summed.setdefault((label, one.action, one.bucket), [0, 0])
        total[0] += one.documents
        total[1] += one.size_bytes
    s.output.table(
        ("rule", "action", "when", "documents", "size"),
        [
            (label, action, OUTSIDE.get(bucket, "in these months"), documents, size(size_bytes))
            for (label, action, bucket), (documents, size_bytes) in summed.items()
        ],
        empty="",
    )


def _unknown(rules: Sequence[ForecastRecord]) -> list[str]:
    told = [
        f"{one.rule}@{one.version} cannot judge {counted(one.unknown_count, 'document')}: "
        "a value is missing or malformed, so they are kept and not forecast."
        for one in rules
        if one.unknown_count
    ]
    return told + [
        f"{one.rule}@{one.version} was not forecast yet; the next night does it."
        for one in rules
        if one.rebuilt_at is None
    ]


def _print_overdue(s: Session, found: Overdue, page: OverduePage) -> None:
    s.output.say(
        f"{counted(found.documents, 'action')} past due in {found.organization} on {found.today}:",
        style="bold",
    )
    s.output.table(
        ("still here because", "rule", "action", "documents", "size", "due since"),
        [
            (
                one.code.replace("_", " "),
                one.rule or "the purge",
                one.action,
                one.documents,
                size(one.size_bytes),
                one.due_since,
            )
            for one in found.groups
        ],
        empty=s.none("Nothing is overdue"),
    )
    for code in dict.fromkeys(one.code for one in found.groups):
        if reason := REASONS.get(code):
            text = f"  {code.replace('_', ' ')}: {reason.what_helps}"
            s.output.say(f"{text} {reason.command or ''}".rstrip(), style="dim")
    for text in _unknown(found.rules):
        s.output.say(text, style="yellow")
    if page.documents:
        s.output.heading("The longest overdue")
        s.output.table(
            ("document", "title", "action", "due since", "because", "why", "plan"),
            [
                (
                    one.external_id,
                    one.title,
                    one.action,
                    one.due_on,
                    one.code.replace("_", " "),
                    f"{one.reason} ({one.blocking_rule})" if one.blocking_rule else one.reason,
                    None if one.plan_id is None else str(one.plan_id),
                )
                for one in page.documents
            ],
            empty="",
        )
    if page.next_after:
        s.output.say(f"There are more: --after {page.next_after}", style="dim")
