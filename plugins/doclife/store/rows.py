"""Runs one statement and returns its rows in the shape that the caller names."""

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct
from psycopg.rows import args_row, class_row, dict_row

from doclife.store.connection import Connection

Row = TypeVar("Row")
Narrow = TypeVar("Narrow", bound=Struct)
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


def fetch_structs(
    conn: Connection, query: Any, parameters: Parameters, row_type: type[Narrow]
) -> list[Narrow]:
    """Return every row as a struct whose fields are the columns, in their order.

    What ``fetch_rows`` does, at a third of the cost a row: no dictionary is made of each.

    :raises TypeError: the columns are not the fields, in their order.
    """
    with conn.cursor(row_factory=args_row(row_type)) as cursor:
        cursor.execute(query, parameters)
        columns = tuple(column.name for column in cursor.description or ())
        if columns != row_type.__struct_fields__:
            raise TypeError(f"{row_type.__name__} has {row_type.__struct_fields__}, not {columns}")
        return cursor.fetchall()


def fetch_value(conn: Connection, query: Any, parameters: Parameters) -> Any:
    """Return the only column of the first row, or None when there is no row."""
    row = conn.execute(query, parameters).fetchone()
    return None if row is None else row[0]
