"""doclife fixity: whether the stored bytes are still the recorded ones."""

import re
from typing import Annotated

import typer

from doclife.cli.options import EveryOrganization, Json, Limit, RunId
from doclife.cli.output import PARTLY_DONE, counted, printable, size
from doclife.cli.session import DAG_ID, Session, session
from doclife.lifecycle import fixity, fixity_report
from doclife.store.fixity import DamagedBytes

app = typer.Typer(no_args_is_help=True, help="Whether stored bytes are still the recorded ones.")

UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

Budget = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Read at most so much, e.g. 50GB; else the deployment's."),
]


def read_size(text: str) -> int:
    """Return a size in bytes, as people write it: ``500MB``, ``1.5 TB``.

    :raises BadParameter: it is none.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *([kKMGT]?B)", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no size: write for example 500MB, 10GB or 1.5TB")
    return int(float(found[1]) * UNITS[found[2].upper()])


@app.command()
def check(
    budget: Budget = None,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Only what is known to be damaged: is it mended?")
    ] = False,
    run_id: RunId = None,
    as_json: Json = False,
) -> None:
    """Read what was not read for longest, until the budget is used; nothing is changed.

    The weekly cleanup does the same. Bytes in cold tiers are never read: there the provider's
    SHA-256 counts, where it keeps one.

    Exit code 3: something is damaged, or could not be reached.
    """
    with session(as_json=as_json, run_id=run_id) as s:
        outcome = fixity.check_fixity(
            s.conn,
            stores=s.stores(),
            now=s.now,
            dag_id=DAG_ID,
            run_id=s.run_id,
            actor=s.actor,
            budget_bytes=None if budget is None else read_size(budget),
            only_damaged=damaged,
        )
        s.output.show(outcome, people=lambda: _print_outcome(s, outcome))
    if outcome.check.damaged_count or outcome.left_out or outcome.unreadable:
        raise typer.Exit(PARTLY_DONE)


def _print_outcome(s: Session, outcome: fixity.FixityOutcome) -> None:
    done = outcome.check
    s.output.say(
        f"Looked at {counted(done.object_count, 'object')} and read {size(done.byte_count)} of the "
        f"{size(done.budget_bytes)} that a check may read."
    )
    if done.cold_count:
        s.output.say(
            f"Of {counted(done.cold_count, 'object')} nobody can say: they lie in a cold tier, and "
            "the provider keeps no SHA-256 of them."
        )
    if done.mended_count:
        s.output.say(f"Mended since: {counted(done.mended_count, 'object')}.", style="green")
    if done.damaged_count:
        s.output.say(
            f"Newly found damaged: {counted(done.damaged_count, 'object')}. See: "
            "doclife fixity report",
            style="red",
        )
    for why in (*outcome.left_out, *outcome.unreadable.values()):
        s.output.say(f"Not checked: {printable(why)}", style="yellow")


@app.command()
def report(
    organization: EveryOrganization = None, limit: Limit = 50, as_json: Json = False
) -> None:
    """List documents that stand on damaged bytes, and how far each store is checked."""
    with session(as_json=as_json, organization=organization) as s:
        found = fixity_report.report(s.conn, organization=organization, size=limit)
        s.output.show(found, people=lambda: _print_report(s, found))


def _print_report(s: Session, found: fixity_report.FixityReport) -> None:
    s.output.table(
        ("document", "organization", "status", "what", "found", "since", "sound copy", "at"),
        [
            (
                one.external_id,
                one.organization,
                one.status,
                one.which,
                one.kind,
                one.found_at,
                sound_copy(one),
                one.uri,
            )
            for one in found.damaged
        ],
        empty="No document is known to stand on damaged bytes.",
    )
    if found.damaged:
        s.output.say(
            "Put the recorded bytes back, from the sound copy or a backup, then: "
            "doclife fixity check --damaged",
            style="dim",
        )
    s.output.heading("Stores")
    s.output.table(
        ("store", "objects", "size", "never checked", "cold, nobody can say", "oldest check"),
        [
            (one.store, one.objects, size(one.bytes), one.never_checked, one.cold, one.oldest_check)
            for one in found.stores
        ],
        empty="No bytes are registered.",
    )
    s.output.heading("Checks")
    s.output.table(
        ("began", "ended", "objects", "read", "damaged", "mended", "cold"),
        [
            (
                one.started_at,
                one.ended_at,
                one.object_count,
                size(one.byte_count),
                one.damaged_count,
                one.mended_count,
                one.cold_count,
            )
            for one in found.checks
        ],
        empty="None yet: the weekly cleanup makes one, or: doclife fixity check",
    )
    s.output.say(f"A check reads at most {size(found.budget_bytes)}.", style="dim")


def sound_copy(one: DamagedBytes) -> str:
    """Say where a damaged document's other bytes are and how they are."""
    if one.other_uri is None:
        return "none"
    if one.is_other_sound:
        return one.other_uri
    return "not checked" if one.other_checked_at is None else "damaged or unknown"


@app.command("budget")
def set_budget(
    amount: Annotated[str | None, typer.Argument(metavar="[SIZE]", help="Such as 50GB.")] = None,
    as_json: Json = False,
) -> None:
    """Show how much a check may read, or change it; 0B reads nothing."""
    with session(as_json=as_json) as s:
        if amount is not None:
            fixity_report.change_budget(
                s.conn, budget_bytes=read_size(amount), now=s.now(), actor=s.actor
            )
        allowed = fixity_report.report(s.conn, organization=None, size=1).budget_bytes
        s.output.show(
            {"budget_bytes": allowed},
            people=lambda: s.output.say(f"A check reads at most {size(allowed)}."),
        )
