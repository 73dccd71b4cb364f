"""Options that many commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]
Organization = Annotated[
    str | None,
    typer.Option(
        "--organization",
        "-o",
        metavar="NAME",
        help="Whose documents; else DOCLIFE_ORGANIZATION, else 'default'.",
        show_default=False,
    ),
]
EveryOrganization = Annotated[
    str | None,
    typer.Option(
        "--organization", "-o", metavar="NAME", help="Only this one; else all.", show_default=False
    ),
]
SigningKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="FINGERPRINT",
        help="What it must be signed with, from elsewhere; again for each key before a new one.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
RunId = Annotated[
    str | None,
    typer.Option(
        "--run-id",
        metavar="ID",
        help="Name of this run. The same name again finds the plan of the first time.",
        show_default=False,
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="Decide as of this day (or ISO moment); a later one than now only simulates.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")]
