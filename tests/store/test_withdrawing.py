"""Taking back an event: by whom, once, and with a trace."""

from __future__ import annotations

import pytest
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue, NoDataFound

from .conftest import APPLICATION, Catalogue
from .test_applications import emit, granted


def withdraw(catalogue: Catalogue, event_id: int, *, reason: str = "opened again") -> bool:
    row = catalogue.application.execute(
        "SELECT withdraw_event(%s, %s)", (event_id, reason)
    ).fetchone()
    assert row is not None
    return bool(row[0])


def test_takes_an_event_back_once_and_the_audit_trail_says_who_and_why(
    catalogue: Catalogue,
) -> None:
    document = catalogue.document("case 1")
    with granted(catalogue, "doclife_clocks"):
        event = emit(catalogue, "case.closed", "case 1")
        version = catalogue.column(document, "version")

        assert withdraw(catalogue, event, reason="new evidence") is True
        assert withdraw(catalogue, event) is False

    assert catalogue.column(document, "version") == version + 1
    assert catalogue.value("SELECT withdrawn_at FROM events WHERE id = %s", event) is not None
    assert catalogue.owner.execute(
        "SELECT actor, reason, document_id FROM audit_entries WHERE action = 'event.withdrawn'"
    ).fetchall() == [(f"application:{APPLICATION}", "new evidence", document)]


def test_needs_the_grant_to_take_back_what_may_have_started_a_clock(catalogue: Catalogue) -> None:
    catalogue.document("case 2")
    with granted(catalogue, "doclife_clocks"):
        event = emit(catalogue, "case.closed", "case 2")

    with pytest.raises(InsufficientPrivilege, match=r"may not withdraw case\.closed"):
        withdraw(catalogue, event)

    assert catalogue.value("SELECT withdrawn_at FROM events WHERE id = %s", event) is None


def test_takes_back_what_started_no_clock_without_a_grant(catalogue: Catalogue) -> None:
    catalogue.document("case 3")

    assert withdraw(catalogue, emit(catalogue, "case.read", "case 3")) is True


def test_cannot_take_an_event_back_in_the_name_of_another_or_without_a_reason(
    catalogue: Catalogue,
) -> None:
    catalogue.document("case 4")
    event = emit(catalogue, "case.read", "case 4")

    with pytest.raises(InsufficientPrivilege, match="may not name an actor"):
        catalogue.application.execute(
            "SELECT withdraw_event(%s, 'x', actor => 'user:olga')", (event,)
        )
    with pytest.raises(InvalidParameterValue, match="for a reason"):
        withdraw(catalogue, event, reason=" ")
    with pytest.raises(NoDataFound, match="has no event 99"):
        withdraw(catalogue, 99)
