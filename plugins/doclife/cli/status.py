"""doclife status: one screen that says how things are."""

import typer

from doclife.cli.options import EveryOrganization, Json
from doclife.cli.output import FAILED, size
from doclife.cli.session import Session, session
from doclife.cli.stores import print_stores
from doclife.lifecycle.overview import Overview, look_around


def show(organization: EveryOrganization = None, as_json: Json = False) -> None:
    """Show the database, the halt switch, stores, documents, plans, jobs and the expiry check.

    Exit code 1: migrations are pending, so nothing works.
    """
    with session(as_json=as_json) as s:
        overview = look_around(
            s.conn, now=s.now(), options=s.credentials(), organization=organization
        )
        s.output.show(overview, people=lambda: _print(s, overview))
    if overview.pending_migrations:
        raise typer.Exit(FAILED)


def _print(s: Session, overview: Overview) -> None:
    s.output.say(f"Database   {overview.database}, PostgreSQL {overview.server_version}")
    if overview.pending_migrations:
        s.output.say(
            f"Migrations {len(overview.pending_migrations)} pending. Run: doclife migrate",
            style="bold red",
        )
        return
    s.output.say("Migrations up to date")
    if overview.halt is not None and overview.halt.reason is not None:
        s.output.say(f"Halted     {overview.halt.reason}", style="bold red")
    else:
        s.output.say("Halted     no")
    s.output.heading("Stores")
    print_stores(s, overview.stores or [])
    s.output.heading("Documents")
    s.output.table(
        ("organization", "status", "documents", "size", "held", "expired"),
        [
            (
                count["organization"],
                count["status"],
                count["documents"],
                size(count["size_bytes"]),
                count["held"],
                count["expired"],
            )
            for count in overview.documents or []
        ],
        empty="None yet. Register some with: doclife documents import PATH",
    )
    s.output.heading("Open plans")
    s.output.table(
        ("organization", "state", "plans", "documents"),
        [
            (count["organization"], count["state"], count["plans"], count["documents"])
            for count in overview.plans or []
        ],
        empty="None.",
    )
    s.output.heading("Jobs")
    s.output.table(
        ("kind", "state", "jobs", "oldest"),
        [
            (count["kind"], count["state"], count["jobs"], count["oldest_at"])
            for count in overview.jobs or []
        ],
        empty="None.",
    )
    s.output.heading("Checked for expiry")
    s.output.table(
        ("organization", "through", "at", "to check again"),
        [
            (
                each["organization"],
                each["checked_through"] if each["checked_at"] else "never",
                each["checked_at"],
                each["to_check_again"],
            )
            for each in overview.expiry or []
        ],
        empty="Never.",
    )
