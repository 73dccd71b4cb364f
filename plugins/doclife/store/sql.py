"""Loads the statements kept in include/sql, by name, and fits generated fragments into them."""

from functools import cache
from pathlib import Path
from typing import LiteralString

from doclife.errors import ConfigurationError

SQL_DIR = Path(__file__).resolve().parents[3] / "include" / "sql"


@cache
def statement(name: str) -> LiteralString:
    """Return the SQL in ``include/sql/<name>.sql``, e.g. ``statement("plans/insert")``."""
    path = SQL_DIR / f"{name}.sql"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(
            f"no SQL statement named {name!r}: {path} does not exist. "
            f"Add the file, or mount include/ next to plugins/."
        ) from None
    return text


def composed(name: str, **fragments: str) -> LiteralString:
    """Return a statement with its ``{holes}`` filled by fragments of the rule compiler.

    Only the compiler's text may be given: it is made of fixed words and parameter names, never
    of values (``doclife.domain.compiler``). A hole without a fragment is a programming error.
    """
    # Without the header, which speaks of the holes too.
    lines = statement(name).splitlines(keepends=True)
    text = "".join(line for line in lines if not line.lstrip().startswith("--"))
    for hole, fragment in fragments.items():
        marker = "{" + hole + "}"
        if marker not in text:
            raise ConfigurationError(f"SQL statement {name!r} has no hole {marker}")
        text = text.replace(marker, fragment)
    return text
