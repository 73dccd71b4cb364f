"""doclife limits: the breaker of the whole deployment; organizations and rules have their own."""

from typing import Annotated

import typer

from doclife.cli.options import Json
from doclife.cli.session import Session, session
from doclife.lifecycle import tenants

app = typer.Typer(
    no_args_is_help=True, help="How much may be archived, deleted or purged in 24 hours."
)


@app.command()
def show(as_json: Json = False) -> None:
    """Show the limits of the deployment and of every organization."""
    with session(as_json=as_json) as s:
        document = {
            "deployment": tenants.deployment_limits(s.conn),
            "organizations": [
                {
                    "organization": one.slug,
                    "max_documents_per_day": one.max_documents_per_day,
                    "max_fraction_per_day": one.max_fraction_per_day,
                }
                for one in tenants.list_organizations(s.conn)
            ],
        }
        s.output.show(document, people=lambda: _print(s))


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
