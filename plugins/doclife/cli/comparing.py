"""doclife rules impact: what a new version of a rule makes of the documents."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from doclife.cli.options import AsOf, Json, Organization
from doclife.cli.output import counted, size
from doclife.cli.session import Session, session
from doclife.domain.explanation_words import FOR_GOOD
from doclife.errors import ConfigurationError
from doclife.lifecycle import ruling
from doclife.lifecycle.comparing import (
    ChangeCount,
    Impact,
    JudgedCount,
    candidate,
    compare_versions,
    find_stored,
)

SIGNS = {
    "newly_due": ("+ due", "red"),
    "no_longer_due": ("- due", "green"),
    "earlier": ("earlier", "yellow"),
    "later": ("later", "green"),
    "newly_scheduled": ("+ scheduled", "yellow"),
    "no_longer_scheduled": ("- scheduled", "green"),
    "newly_retained": ("+ retained", "green"),
    "no_longer_retained": ("- retained", "red"),
    "retained_longer": ("retained longer", "green"),
    "retained_shorter": ("retained shorter", "yellow"),
}


def add_to(rules: typer.Typer) -> None:
    """Add the command to those about rules."""
    rules.command("impact")(impact)


def impact(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule.")],
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Compare with the rule as this file has it."
        ),
    ] = None,
    before: Annotated[
        int | None, typer.Option("--from", min=1, help="This version; else the one in force.")
    ] = None,
    after: Annotated[
        int | None, typer.Option("--to", min=1, help="With this version; else with --file.")
    ] = None,
    as_of: AsOf = None,
    sample: Annotated[
        int, typer.Option("--sample", min=0, max=1000, help="Documents shown of each change.")
    ] = 5,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show what another version of a rule makes of the documents. Nothing is stored.

    A file against the version in force, or two stored versions: what more and what less is due,
    what goes earlier or later, what is retained or no longer.
    """
    if (file is None) == (after is None):
        raise typer.BadParameter("give either --file or --to", param_hint="--file")
    with session(as_json=as_json, organization=organization) as s:
        found = _compare(s, name, file, before=before, after=after, as_of=as_of, sample=sample)
        s.output.show(found, people=lambda: _print(s, found))


def _compare(
    s: Session,
    name: str,
    file: Path | None,
    *,
    before: int | None,
    after: int | None,
    as_of: str | None,
    sample: int,
) -> Impact:
    slug = s.organization
    # In this order: without --as-of it must not lie ahead of the present.
    moment = s.moment(as_of)
    now = s.now()
    if file is None:
        new = find_stored(s.conn, organization=slug, name=name, version=after)
    else:
        rule_file = ruling.load_file(
            s.conn, text=file.read_text(encoding="utf-8"), file=str(file), organization=slug
        )
        slug = rule_file.organization or slug
        rule = next((one for one in rule_file.rules if one.name == name), None)
        if rule is None:
            known = ", ".join(one.name for one in rule_file.rules) or "none"
            raise ConfigurationError(f"{file} has no rule {name!r}. Rules: {known}.")
        new = candidate(s.conn, organization=slug, rule=rule, now=now)
    old = None
    if before is not None or new.version > 1:
        current = None if before is not None else _current(s, slug, name)
        number = before if before is not None else current
        if number is not None:
            old = find_stored(s.conn, organization=slug, name=name, version=number)
    return compare_versions(
        s.conn,
        organization=slug,
        before=old,
        after=new,
        as_of=moment,
        now=now,
        size=sample,
    )


def _current(s: Session, organization: str, name: str) -> int | None:
    """The version in force; None when the rule was removed."""
    try:
        return ruling.current_version(s.conn, organization=organization, name=name).version
    except ConfigurationError:
        return None


def _print(s: Session, found: Impact) -> None:
    s.output.say(
        f"{found.before or 'nothing'} -> {found.after or 'nothing'} as of {found.today}: "
        + _summary(found.changes),
        style="bold",
    )
    if found.before_mode is not found.after_mode and found.before_mode and found.after_mode:
        s.output.say(f"Mode: {found.before_mode} -> {found.after_mode}.", style="yellow")
    if found.is_ahead:
        s.output.say(
            "Judged as if that day had come; holds and reprieve are those of the present.",
            style="yellow",
        )
    s.output.table(
        ("change", "action", "documents", "size", "of them held", "by days"),
        [
            (
                SIGNS[one.kind][0],
                one.action,
                one.documents,
                size(one.size_bytes),
                one.held,
                _days(one),
            )
            for one in found.changes
        ],
        empty="No document is due or retained differently.",
    )
    for kind, action in dict.fromkeys((one.kind, one.action) for one in found.sample):
        s.output.heading(f"{SIGNS[kind][0]}, {action}: the first")
        s.output.table(
            ("document", "title", "before", "after", "held"),
            [
                (one.external_id, one.title, _day(one.before_on), _day(one.after_on), one.is_held)
                for one in found.sample
                if (one.kind, one.action) == (kind, action)
            ],
            empty="",
        )
    s.output.heading("What a night would do, beside all other rules and holds")
    s.output.table(
        ("with", "action", "outcome", "documents", "size"),
        [
            *_judged(found.before, found.judged_before),
            *_judged(found.after, found.judged_after),
        ],
        empty="Nothing is due with either.",
    )
    if found.unknown_before or found.unknown_after:
        s.output.say(
            f"Cannot be judged, and so are kept: {counted(found.unknown_before, 'document')} "
            f"before, {found.unknown_after:,} after.",
            style="yellow",
        )
    s.output.say("Nothing was stored or done.", style="dim")


def _summary(changes: Sequence[ChangeCount]) -> str:
    if not changes:
        return "no document changes"
    return ", ".join(f"{SIGNS[one.kind][0]} {one.documents:,} ({one.action})" for one in changes)


def _days(one: ChangeCount) -> str | None:
    if one.fewest_days is None:
        return None
    if one.fewest_days == one.most_days:
        return f"{one.fewest_days:,}"
    return f"{one.fewest_days:,} to {one.most_days:,}"


def _judged(label: str | None, counts: Sequence[JudgedCount]) -> list[tuple[object, ...]]:
    return [
        (
            label,
            one.action,
            "would be done" if one.reason_code is None else one.reason_code.replace("_", " "),
            one.documents,
            size(one.size_bytes),
        )
        for one in counts
    ]


def _day(day: date | None) -> str | None:
    if day is None:
        return None
    return FOR_GOOD if day == date.max else str(day)
