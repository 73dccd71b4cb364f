"""doclife organizations: the tenants and the settings that decide about their documents."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from doclife.cli import logins
from doclife.cli.options import Json
from doclife.cli.session import Session, session
from doclife.lifecycle import tenants
from doclife.lifecycle.tenants import OrganizationSettings

app = typer.Typer(no_args_is_help=True, help="Tenants, with time zone, cooling-off and limits.")

app.command("bind")(logins.bind)
app.command("unbind")(logins.unbind)
app.command("logins")(logins.list_logins)

Slug = Annotated[str, typer.Argument(metavar="NAME", help="Short name: a-z, 0-9 and '-'.")]
SETTINGS: Mapping[str, object] = {
    "name": Annotated[str | None, typer.Option("--title", help="Name for people.")],
    "time_zone": Annotated[
        str | None, typer.Option(help="Its days begin there, e.g. Europe/Berlin.")
    ],
    "locale": Annotated[str | None, typer.Option(help="Language of messages, e.g. en.")],
    "cooling_off_days": Annotated[
        int | None,
        typer.Option(
            min=0,
            help="No DELETE this soon after registration or a change of a field the rule uses.",
        ),
    ],
    "reprieve_days": Annotated[
        int | None,
        typer.Option(min=0, help="How long a restored document is left alone; 0: not at all."),
    ],
    "max_documents_per_day": Annotated[
        int | None, typer.Option(min=1, help="Breaker: so many in 24 hours.")
    ],
    "max_fraction_per_day": Annotated[
        float | None, typer.Option(min=0.00001, max=1, help="Breaker: this part in 24 hours.")
    ],
    "fallback_recipient": Annotated[
        str | None, typer.Option(help="Is told what has no owner that can be told.")
    ],
    "logo_url": Annotated[
        str | None, typer.Option(help="Logo in mail and reports, an https address; '' for none.")
    ],
}
"""An option for each field of OrganizationSettings."""


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting; it gets them as one value, ``settings``."""

    @wraps(command)
    def run(**given: Any) -> None:
        settings = OrganizationSettings(**{name: given.pop(name) for name in SETTINGS})
        command(settings=settings, **given)

    own = signature(command).parameters.values()
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in SETTINGS.items()
    ]
    parameters = [*(one for one in own if one.name != "settings"), *options]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


@app.command("list")
def list_organizations(as_json: Json = False) -> None:
    """List every organization with its settings."""
    with session(as_json=as_json) as s:
        found = tenants.list_organizations(s.conn)
        s.output.show({"organizations": found}, people=lambda: _print(s, found))


@app.command()
@takes_settings
def add(
    *,
    slug: Slug,
    settings: OrganizationSettings,
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
            settings=settings,
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
@takes_settings
def set_(
    *,
    slug: Slug,
    settings: OrganizationSettings,
    as_json: Json = False,
) -> None:
    """Change settings of an organization; the audit trail keeps what they were."""
    with session(as_json=as_json) as s:
        organization, changes = tenants.change_organization(
            s.conn,
            slug=slug,
            settings=settings,
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
