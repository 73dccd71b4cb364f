"""Compiled rules against real PostgreSQL, over documents that exist only in the statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from doclife.domain.compiler import Compiler, RuleVersion
from doclife.domain.fields import MetadataType
from doclife.domain.fragment import Fragment
from doclife.domain.rule import Rule
from doclife.store.connection import connect

TODAY = date(2026, 11, 22)
RULE_MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
METADATA = {
    "contract_end": MetadataType.DATE,
    "pages": MetadataType.INT,
    "country": MetadataType.TEXT,
}

Run = Callable[..., list[dict[str, Any]]]

# A name in WITH hides the table of that name, so any row can be tried, also one that the table's
# constraints would refuse, and nothing has to be cleaned up.
_SETTING = """
WITH documents AS (
    SELECT * FROM jsonb_populate_recordset(NULL::documents, %(test_documents)s)
),
events AS (SELECT * FROM jsonb_populate_recordset(NULL::events, %(test_events)s)),
candidates AS (SELECT id AS document_id FROM documents)
"""


def document(number: int = 1, **fields: Any) -> dict[str, Any]:
    """An active document, with the defaults of the table."""
    return {
        "id": number,
        "organization_id": 1,
        "external_id": f"document-{number}",
        "status": "active",
        "tags": [],
        "metadata": {},
        "registered_at": "2026-01-01T00:00:00+00:00",
        "field_changed_at": {},
        "anchor_floors": {},
        **fields,
    }


def event(number: int, occurred_on: str, **fields: Any) -> dict[str, Any]:
    """An event of an application about document 1."""
    return {
        "id": number,
        "organization_id": 1,
        "type": "employee.left",
        "document_id": 1,
        "occurred_on": occurred_on,
        "is_external": True,
        "may_start_clocks": True,
        **fields,
    }


def rule(**parts: Any) -> Rule:
    """A rule from its parts as a file writes them."""
    return Rule.model_validate(
        {"name": "a-rule", "trigger": {"type": "ON_SCHEDULE"}, "actions": [], **parts}
    )


def compiler(of: Rule, *, as_of: date = TODAY, prefix: str = "rule", **version: Any) -> Compiler:
    """The compiler of a rule in its first version."""
    numbers = {"rule_id": 1, "version_id": 10, "version": 1, "created_at": RULE_MADE_AT, **version}
    return Compiler(
        rule_version=RuleVersion(rule=of, **numbers),
        metadata_types=METADATA,
        time_zone="Europe/Berlin",
        as_of=as_of,
        prefix=prefix,
    )


@pytest.fixture(scope="session")
def session(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url, application_name="doclife tests of rules") as connection:
        yield connection


@pytest.fixture(scope="session")
def run(session: psycopg.Connection) -> Run:
    """Run a SELECT over the given documents and events only."""

    def run_over(
        fragment: Fragment,
        *documents: Mapping[str, Any],
        events: Sequence[Mapping[str, Any]] = (),
    ) -> list[dict[str, Any]]:
        parameters = {
            **fragment.parameters,
            "test_documents": Jsonb(list(documents)),
            "test_events": Jsonb(list(events)),
        }
        with session.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_SETTING + fragment.text, parameters).fetchall()

    return run_over


@pytest.fixture(scope="session")
def value_of(run: Run) -> Callable[..., Any]:
    """The value of an expression over alias d, for one document."""

    def value(
        expression: Fragment,
        of: Mapping[str, Any],
        *,
        events: Sequence[Mapping[str, Any]] = (),
    ) -> Any:
        text = f"SELECT {expression.text} AS value FROM documents AS d"
        fragment = Fragment(text=text, parameters=expression.parameters)
        return run(fragment, of, events=events)[0]["value"]

    return value
