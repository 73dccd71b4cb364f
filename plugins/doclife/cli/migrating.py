"""doclife migrate and doclife compatibility: what the database is made of."""

from typing import Annotated

import typer

from doclife.cli.options import Json
from doclife.cli.session import session
from doclife.store.compatibility import install_queue_names
from doclife.store.migrations import list_pending
from doclife.store.upgrading import upgrade


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be applied.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the database up to date. A second call applies nothing.

    The user must own the database and be able to create roles.
    """
    with session(as_json=as_json) as s:
        applied = [] if dry_run else upgrade(s.conn)
        pending = list_pending(s.conn)

        def people() -> None:
            for name in pending:
                s.output.say(f"would apply {name}")
            for name in applied:
                s.output.say(f"applied {name}")
            if not applied and not pending:
                s.output.say("The database is up to date.")

        s.output.show({"applied": applied, "pending": pending}, people=people)


def compatibility(
    schema: Annotated[str, typer.Argument(help="Where the application looks, e.g. public.")],
    as_json: Json = False,
) -> None:
    """Put names that existing applications know, such as queue_jobs, into a schema of theirs.

    Views and functions over doclife's own queue. A second call replaces them; nothing else of the
    schema changes. The user must be able to create in the schema and be a member of doclife_owner.
    """
    with session(as_json=as_json) as s:
        install_queue_names(s.conn, schema=schema)
        s.output.show(
            {"schema": schema},
            people=lambda: s.output.say(
                f"{schema}.queue_jobs and the functions around it are doclife's queue now."
            ),
        )
