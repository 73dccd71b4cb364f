"""Runs one statement and returns its rows in the shape that the caller names."""

from collections.abc import Mapping
from typing import Any, TypeVar

from psycopg.rows import class_row, dict_row

from doclife.store.connection import Connection

Row = TypeVar("Row")
Parameters = Mapping[str, object]


def fetch_dicts(conn: Connection, query: Any, parameters: Parameters) -> list[dict[str, Any]]:
    """Return every row as a dictionary by column name."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def fetch_rows(
    conn: Connection, query: Any, parameters: Parameters, row_type: type[Row]
) -> list[Row]:
    """Return every row as a ``row_type``, whose fields are named like the columns."""
    with conn.cursor(row_factory=class_row(row_type)) as cursor:
        return cursor.execute(query, parameters).fetchall()


def fetch_value(conn: Connection, query: Any, parameters: Parameters) -> Any:
    """Return the only column of the first row, or None when there is no row."""
    row = conn.execute(query, parameters).fetchone()
    return None if row is None else row[0]
