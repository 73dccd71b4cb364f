"""Rows become what the caller names."""

import pytest
from msgspec import Struct

from doclife.store.connection import Connection
from doclife.store.rows import fetch_structs


class Pair(Struct, frozen=True):
    first: int
    second: str


def test_a_row_becomes_a_struct_by_the_order_of_its_columns(conn: Connection) -> None:
    assert fetch_structs(conn, "SELECT 1 AS first, 'a' AS second", {}, Pair) == [Pair(1, "a")]


def test_columns_in_another_order_than_the_fields_are_refused_not_mixed_up(
    conn: Connection,
) -> None:
    with pytest.raises(TypeError, match="second"):
        fetch_structs(conn, "SELECT 'a' AS second, 1 AS first", {}, Pair)
