"""The small language in which a rule says whom to tell."""

from typing import Any

import pytest

from doclife.delivery.recipient import render_recipient
from doclife.domain.recipient import DOCUMENT_FIELDS
from doclife.errors import ConfigurationError
from doclife.store.connection import Connection
from doclife.store.sql import statement

DOCUMENT: dict[str, Any] = {
    "external_id": "4711",
    "title": "{{ 7*7 }}",
    "owner": None,
    "metadata": {"contact": "ann@example.org", "items": "x@example.org", "external_id": "1"},
}


@pytest.mark.parametrize(
    ("template", "recipient"),
    [
        ("records@example.org", "records@example.org"),
        (" {{ document.metadata.contact }} ", "ann@example.org"),
        ("{{ document['metadata']['contact'] | upper }}", "ANN@EXAMPLE.ORG"),
        ("{{ document.owner }}", ""),
        ("{{ document.metadata.missing }}", ""),
        ("{{ document.owner or document.metadata.contact }}", "ann@example.org"),
        ("{{ document.owner | default('a@example.org', true) }}", "a@example.org"),
        ("{% if document.owner %}x{% else %}y@example.org{% endif %}", "y@example.org"),
        ("{{ document.metadata.items }}", "x@example.org"),
        ("{{ document.title }}", "{{ 7*7 }}"),
    ],
)
def test_names_whom_the_document_names(template: str, recipient: str) -> None:
    assert render_recipient(template, DOCUMENT) == recipient


@pytest.mark.parametrize(
    "template",
    [
        "{{ document.ownr }}",
        "{{ document.__class__ }}",
        "{{ document.title.__class__.__mro__ }}",
        "{{ document['__class__'] }}",
        "{{ document | attr('items') }}",
        "{{ document.items() }}",
        "{{ ''.format(document) }}",
        "{{ 'x' * 1000000000 }}",
        "{% for a in document.title %}{% for b in document.title %}x{% endfor %}{% endfor %}",
        "{% set x = document %}{{ x }}",
        "{% include 'email/layout.html.j2' %}",
        "{{ range(10) }}",
        "{{ self }}",
        "{{ cycler }}",
        "{{ document.title | pprint }}",
        "{{ document.owner",
        "{{ config }}",
        "{{ document.owner is owned }}",
    ],
)
def test_refuses_everything_else(template: str) -> None:
    with pytest.raises(ConfigurationError, match="the recipient"):
        render_recipient(template, DOCUMENT)


def test_the_fields_are_those_that_messages_read(conn: Connection) -> None:
    found = conn.execute(statement("notices/read_documents"), {"document_ids": []}).description

    assert {column.name for column in found or ()} == DOCUMENT_FIELDS
