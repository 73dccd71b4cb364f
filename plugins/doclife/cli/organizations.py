"""doclife organizations: the tenants and the settings that decide about their documents."""

from collections.abc import Sequence
from typing import Annotated

import typer

from doclife.cli.options import Json
from doclife.cli.session import Session, session
from doclife.lifecycle import tenants
from doclife.lifecycle.tenants import OrganizationSettings

app = typer.Typer(no_args_is_help=True, help="Tenants, with time zone, cooling-off and limits.")

Slug = Annotated[str, typer.Argument(metavar="NAME", help="Short name: a-z, 0-9 and '-'.")]
Title = Annotated[str | None, typer.Option("--title", help="Name for people.")]
TimeZone = Annotated[
    str | None, typer.Option("--time-zone", help="Its days begin there, e.g. Europe/Berlin.")
]
Locale = Annotated[str | None, typer.Option("--locale", help="Language of messages, e.g. en.")]
CoolingOff = Annotated[
    int | None,
    typer.Option(
        "--cooling-off-days",
        min=0,
        help="No DELETE this soon after registration or a change of a field the rule uses.",
    ),
]
Reprieve = Annotated[
    int | None,
    typer.Option("--reprieve-days", min=0, help="How long a restored document is left alone."),
]
MaxDocuments = Annotated[
    int | None,
    typer.Option("--max-documents-per-day", min=1, help="Breaker: so many in 24 hours."),
]
MaxFraction = Annotated[
    float | None,
    typer.Option(
        "--max-fraction-per-day", min=0.00001, max=1, help="Breaker: this part in 24 hours."
    ),
]
FallbackRecipient = Annotated[
    str | None,
    typer.Option("--fallback-recipient", help="Is told what has no owner that can be told."),
]


@app.command("list")
def list_organizations(as_json: Json = False) -> None:
    """List every organization with its settings."""
    with session(as_json=as_json) as s:
        found = tenants.list_organizations(s.conn)
        s.output.show({"organizations": found}, people=lambda: _print(s, found))


@app.command()
def add(
    slug: Slug,
    title: Title = None,
    time_zone: TimeZone = None,
    locale: Locale = None,
    cooling_off_days: CoolingOff = None,
    reprieve_days: Reprieve = None,
    max_documents_per_day: MaxDocuments = None,
    max_fraction_per_day: MaxFraction = None,
    fallback_recipient: FallbackRecipient = None,
    exist_ok: Annotated[
        bool, typer.Option("--exist-ok", help="An organization that is there is set instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add an organization. What is not given gets the safe default."""
    with session(as_json=as_json) as s:
        organization, is_new = tenants.add_organization(
            s.conn,
            slug=slug,
            settings=OrganizationSettings(
                name=title,
                time_zone=time_zone,
                locale=locale,
                cooling_off_days=cooling_off_days,
                reprieve_days=reprieve_days,
                max_documents_per_day=max_documents_per_day,
                max_fraction_per_day=max_fraction_per_day,
                fallback_recipient=fallback_recipient,
            ),
            exist_ok=exist_ok,
            now=s.now(),
            actor=s.actor,
        )

        def people() -> None:
            s.output.say(
                f"Organization {slug} is added."
                if is_new
                else f"Organization {slug} was there; its settings are:"
            )
            _print(s, [organization])
            s.output.say(f"Change it with: doclife organizations set {slug} ...", style="dim")

        s.output.show({"organization": organization, "is_new": is_new}, people=people)


@app.command("set")
def set_(
    slug: Slug,
    title: Title = None,
    time_zone: TimeZone = None,
    locale: Locale = None,
    cooling_off_days: CoolingOff = None,
    reprieve_days: Reprieve = None,
    max_documents_per_day: MaxDocuments = None,
    max_fraction_per_day: MaxFraction = None,
    fallback_recipient: FallbackRecipient = None,
    as_json: Json = False,
) -> None:
    """Change settings of an organization; the audit trail keeps what they were."""
    with session(as_json=as_json) as s:
        organization, changes = tenants.change_organization(
            s.conn,
            slug=slug,
            settings=OrganizationSettings(
                name=title,
                time_zone=time_zone,
                locale=locale,
                cooling_off_days=cooling_off_days,
                reprieve_days=reprieve_days,
                max_documents_per_day=max_documents_per_day,
                max_fraction_per_day=max_fraction_per_day,
                fallback_recipient=fallback_recipient,
            ),
            now=s.now(),
            actor=s.actor,
        )

        def people() -> None:
            for name, change in changes.items():
                s.output.say(f"{name}: {change['before']} -> {change['after']}")
            if not changes:
                s.output.say("Nothing changed.")
            _print(s, [organization])

        s.output.show({"organization": organization, "changes": changes}, people=people)


def _print(s: Session, found: Sequence[tenants.OrganizationRecord]) -> None:
    s.output.table(
        (
            "organization",
            "name",
            "time zone",
            "cooling-off days",
            "reprieve days",
            "max documents/day",
            "max fraction/day",
            "documents",
        ),
        [
            (
                one.slug,
                one.name,
                one.time_zone,
                one.cooling_off_days,
                one.reprieve_days,
                one.max_documents_per_day,
                float(one.max_fraction_per_day),
                one.document_count,
            )
            for one in found
        ],
        empty="There is no organization.",
    )
