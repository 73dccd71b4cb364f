"""doclife limits: how much of each limit is used, what exceeded one, and the deployment's own."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from doclife.cli.options import EveryOrganization, Json
from doclife.cli.output import bar, counted
from doclife.cli.session import Session, session
from doclife.lifecycle import belts, tenants

app = typer.Typer(
    no_args_is_help=True, help="How much may be archived, deleted or purged in 24 hours."
)


@app.command()
def show(organization: EveryOrganization = None, as_json: Json = False) -> None:
    """Show every limit with what its last 24 hours have used, and the plans that exceeded one."""
    with session(as_json=as_json) as s:
        now = s.now()
        used = belts.list_belts(s.conn, now=now, organization=organization)
        tripped = belts.list_tripped(s.conn, now=now, organization=organization)
        document = {
            "deployment": tenants.deployment_limits(s.conn),
            "organizations": [
                {
                    "organization": one.slug,
                    "max_documents_per_day": one.max_documents_per_day,
                    "max_fraction_per_day": one.max_fraction_per_day,
                }
                for one in tenants.list_organizations(s.conn)
                if organization in (None, one.slug)
            ],
            "belts": [
                {**asdict(one), "used": one.used, "allowed": one.allowed, "left": one.left}
                for one in used
            ],
            "tripped": tripped,
        }
        s.output.show(document, people=lambda: _print_used(s, used, tripped))


@app.command("set")
def set_(
    max_documents_per_day: Annotated[
        int | None, typer.Option("--max-documents-per-day", min=1, help="So many documents.")
    ] = None,
    max_fraction_per_day: Annotated[
        float | None,
        typer.Option(
            "--max-fraction-per-day", min=0.00001, max=1, help="This part of all documents."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change the limits of the deployment; the audit trail keeps what they were."""
    with session(as_json=as_json) as s:
        before = tenants.deployment_limits(s.conn)
        after = tenants.change_deployment_limits(
            s.conn,
            max_documents_per_day=max_documents_per_day,
            max_fraction_per_day=max_fraction_per_day,
            now=s.now(),
            actor=s.actor,
        )

        def people() -> None:
            s.output.say(
                f"Before: at most {before.max_documents_per_day:,} documents and "
                f"{float(before.max_fraction_per_day):g} of all in 24 hours. Now:"
            )
            _print(s)

        s.output.show({"before": before, "after": after}, people=people)


def _print_used(
    s: Session, used: Sequence[belts.Belt], tripped: Sequence[belts.TrippedPlan]
) -> None:
    s.output.table(
        ("counts for", "what", "last 24 hours", "used", "of", "left", "the next is free at"),
        [
            (
                {"deployment": "whole deployment", "rule": f"  rule {one.name}"}.get(
                    one.scope, one.name
                ),
                "purge" if one.is_purge else "archive, delete",
                bar(one.used, one.allowed),
                one.used,
                one.allowed,
                one.left,
                one.frees_at,
            )
            for one in used
            # What purges use is worth a line only when there are any.
            if not one.is_purge or one.used
        ],
        empty="",
    )
    s.output.say(
        "A plan beyond any of them acts on nothing and waits for approval. What open plans have "
        "reserved counts as used.",
        style="dim",
    )
    if tripped:
        s.output.heading("Exceeded in the last 7 days")
    for plan in tripped:
        s.output.say(
            f"plan {plan.plan_id}, {plan.rule or plan.kind} of {plan.organization}, "
            f"{plan.created_at:%Y-%m-%d %H:%M}, {counted(plan.document_count, 'document')}, "
            f"{plan.state.replace('_', ' ')}:",
            style="yellow",
        )
        for trip in plan.trips:
            s.output.say(f"  {trip}")
        s.output.say(f"  {plan.advice}", style="bold")


def _print(s: Session) -> None:
    deployment = tenants.deployment_limits(s.conn)
    rows: list[tuple[object, ...]] = [
        (
            "whole deployment",
            deployment.max_documents_per_day,
            float(deployment.max_fraction_per_day),
        )
    ]
    rows += [
        (one.slug, one.max_documents_per_day, float(one.max_fraction_per_day))
        for one in tenants.list_organizations(s.conn)
    ]
    s.output.table(("counts for", "max documents/day", "max fraction/day"), rows, empty="")
    s.output.say(
        "A rule has its own limits too. A plan beyond any of them waits for approval.", style="dim"
    )
