"""What the catalogue says about rules: how often their values are missing, and its indexes."""

from collections.abc import Sequence
from dataclasses import dataclass

from doclife.domain.fragment import Fragment
from doclife.store.connection import Connection
from doclife.store.rows import fetch_rows
from doclife.store.sql import composed, statement


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueCount:
    """How many documents there are, and of how many a rule's condition is true or unknown."""

    documents: int
    concerned: int
    missing: Sequence[int]
    """Per field: the concerned without a readable value."""


def count_values(conn: Connection, counts: Fragment) -> ValueCount:
    """Return how often the values of a rule are missing; reads every document."""
    query = composed("rule_lints/count_values", counts=counts.text)
    return fetch_rows(conn, query, counts.parameters, ValueCount)[0]


def list_indexed_columns(conn: Connection) -> frozenset[str]:
    """Return the columns of documents that an index leads to."""
    rows = conn.execute(statement("rule_lints/list_indexed_columns"))
    return frozenset(name for (name,) in rows)
