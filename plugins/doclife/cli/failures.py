"""Turns what can be foreseen to go wrong into one sentence on stderr and an exit code."""

import sys
from io import TextIOWrapper
from typing import Any
from urllib.parse import quote_from_bytes

import psycopg
import typer
from typer.core import TyperGroup

from doclife.cli.output import FAILED, fail
from doclife.errors import DoclifeError

INTERRUPTED = 130
"""As shells say it: 128 and the number of SIGINT."""

MESSAGES: tuple[tuple[type[psycopg.Error], str], ...] = (
    (
        psycopg.errors.UndefinedTable,
        "this database is not, or not completely, a documents database. Run: doclife migrate",
    ),
    (
        psycopg.errors.UndefinedFunction,
        "this database is older than the program. Run: doclife migrate",
    ),
    (
        psycopg.errors.UndefinedColumn,
        "this database is older than the program. Run: doclife migrate",
    ),
    (
        psycopg.errors.InsufficientPrivilege,
        "this database user may not do that. Use one that is a member of doclife_worker, or the "
        "owner for migrate and organizations",
    ),
    (
        psycopg.errors.LockNotAvailable,
        "somebody else has been at work on the same rows for a minute; try again later",
    ),
    (psycopg.errors.DeadlockDetected, "two commands were in each other's way; try again"),
)


class FriendlyGroup(TyperGroup):
    """The root command: no traceback for what can be foreseen."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command and explain its failure."""
        if isinstance(sys.stdout, TextIOWrapper):
            # A terminal that knows fewer letters shows the others escaped, as stderr does.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except DoclifeError as error:
            fail(str(error))
        except psycopg.Error as error:
            fail(explain(error))
        except UnicodeDecodeError as error:
            fail(f"a file is not UTF-8 text: {error}")
        except UnicodeEncodeError as error:
            fail(
                f"{escaped(error.object)} is not UTF-8, so the documents database cannot hold it. "
                "Documents are listed under names that can be typed: doclife documents list"
            )
        except FileNotFoundError as error:
            fail(f"{error.filename} does not exist.")
        except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
            fail(f"{error.filename}: {error.strerror}.")
        except KeyboardInterrupt:
            fail("Stopped. What is done stays done; the same command goes on from there.")
            raise typer.Exit(INTERRUPTED) from None
        raise typer.Exit(FAILED)


def escaped(text: str) -> str:
    """Return a text with bytes that are not UTF-8 percent-encoded, as in external ids."""
    return "".join(
        quote_from_bytes(letter.encode("utf-8", "surrogateescape"))
        if "\ud800" <= letter <= "\udfff"
        else letter
        for letter in text
    )


def explain(error: psycopg.Error) -> str:
    """Return what a database error means to the person at the keyboard."""
    said = (error.diag.message_primary or str(error)).strip()
    for kind, meaning in MESSAGES:
        if isinstance(error, kind):
            return f"{meaning}. (The database says: {said})"
    if isinstance(error, psycopg.errors.IntegrityError) and error.diag.constraint_name:
        rule = error.diag.constraint_name.replace("_", " ")
        return f"the database refuses it: {rule}. ({said})"
    if error.diag.message_primary is None:
        return f"the documents database went away: {said}. What was committed stays; run it again."
    hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
    return f"the documents database refuses it: {said}.{hint}"
