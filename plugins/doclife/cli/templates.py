"""doclife templates: how messages look, and which of your own files are used for them."""

from pathlib import Path
from typing import Annotated

import typer

from doclife.cli.options import Json, Organization
from doclife.cli.output import FAILED
from doclife.cli.session import session
from doclife.errors import ConfigurationError
from doclife.lifecycle import template_previews

app = typer.Typer(no_args_is_help=True, help="How messages look, with your own files before ours.")


@app.command("list")
def list_(organization: Organization = None, as_json: Json = False) -> None:
    """List every template and the file that is used for it."""
    with session(as_json=as_json, organization=organization) as s:
        found = template_previews.list_files(organization=s.tenant())
        s.output.show(
            {
                "templates": [
                    {"path": one.path, "file": str(one.file), "is_own": one.is_own} for one in found
                ]
            },
            people=lambda: s.output.table(
                ("template", "whose", "file"),
                [(one.path, "yours" if one.is_own else "ours", str(one.file)) for one in found],
                empty="",
            ),
        )


@app.command()
def preview(
    name: Annotated[
        str, typer.Argument(help="digest, notice, deletion-warning, report, report-page, ...")
    ],
    language: Annotated[str | None, typer.Option(help="en or es; else the organization's.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the HTML to this file.")] = None,
    slack: Annotated[bool, typer.Option("--slack", help="As Slack gets it.")] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show a message with made-up contents, by the function that renders real ones."""
    with session(as_json=as_json, organization=organization) as s:
        tenant = s.tenant()
        shown = template_previews.preview(
            name, organization=tenant, locale=language, today=tenant.date_of(s.now())
        )
        page = shown.page if shown.email is None else shown.email.html
        if html is not None:
            html.write_text(page or "", encoding="utf-8")
        if slack and shown.slack is None:
            raise ConfigurationError(f"{name} is not sent to Slack")

        def people() -> None:
            if html is not None:
                s.output.say(f"{html} is written.")
            elif slack and shown.slack is not None:
                s.output.say(shown.slack.text)
            elif shown.email is not None:
                s.output.say(f"{shown.email.subject}\n\n{shown.email.text}")
            else:
                s.output.say("It is a page: write it to a file with --html.")

        s.output.show({"preview": shown}, people=people)


@app.command()
def check(organization: Organization = None, as_json: Json = False) -> None:
    """Render every message in every language; say which of your files cannot be used, and why."""
    with session(as_json=as_json, organization=organization) as s:
        tenant = s.tenant()
        faults = template_previews.check(organization=tenant, today=tenant.date_of(s.now()))

        def people() -> None:
            for fault in faults:
                s.output.say(f"{fault.place}: {fault.reason}", style="red")
            if not faults:
                s.output.say("Every template can be used.")

        s.output.show({"faults": faults}, people=people)
        if faults:
            raise typer.Exit(FAILED)
