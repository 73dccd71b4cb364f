"""What programs of PostgreSQL say when they fail is told without the rows that it quotes."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from doclife.store import dumping
from doclife.store.connection import Connection


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'ERROR:  invalid input syntax for type date: "Quokka"\n'
            'CONTEXT:  COPY a, line 1, column b: "Quokka"',
            "ERROR:  invalid input syntax for type date: (a value, left out)",
        ),
        (
            "FEHLER:  ung\u00fcltig: \u00bbQuokka\u00ab\nDETAIL:  Quokka\nKONTEXT:  Quokka",
            "FEHLER:  ung\u00fcltig: (a value, left out)",
        ),
        (
            'ERROR:  value "12 Quokka" is out of range for type integer',
            "ERROR:  value (a value, left out)",
        ),
        (
            'ERROR:  could not create unique index "b"\nDETAIL:  Key (c)=(Quokka) is duplicated.\n'
            "Command was: ALTER TABLE a",
            'ERROR:  could not create unique index "b"',
        ),
    ],
)
def test_what_pg_restore_says_is_told_without_values(said: str, told: str) -> None:
    before = 'pg_restore: while PROCESSING TOC:\npg_restore: error: COPY failed for table "a": '

    found = dumping.without_rows(before + said, program=Path("/usr/bin/pg_restore"))

    assert found == before.replace("\n", " ") + told


@pytest.mark.parametrize("value", ["Quokka", "Quo\nkka"])
def test_what_the_server_says_of_a_value_is_told_without_it(conn: Connection, value: str) -> None:
    with pytest.raises(psycopg.errors.InvalidDatetimeFormat) as raised:
        conn.execute("SELECT %s::text::date", (value,))

    told = dumping.without_value(str(raised.value.diag.message_primary))

    assert told == "invalid input syntax for type date: (a value, left out)"
