"""However many tests somebody sends, and however slow they are, the others see their pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from doclife.dashboard import app
from doclife.dashboard.far_calls import (
    LOOKUP,
    LOOKUPS_AT_ONCE,
    TEST,
    TESTS_AT_ONCE,
    VERIFICATION,
    VERIFICATIONS_AT_ONCE,
)
from tests.dashboard.browsers import Browser, words

pytestmark = pytest.mark.usefixtures("world")

PLACES = {
    "test": (TEST, TESTS_AT_ONCE),
    "lookup": (LOOKUP, LOOKUPS_AT_ONCE),
    "verification": (VERIFICATION, VERIFICATIONS_AT_ONCE),
}
URL = "gopher://erp.example.org"


@contextmanager
def busy(what: str) -> Iterator[None]:
    """As many others wait for their answers as may."""
    place, most = PLACES[what]
    with ExitStack() as others:
        for _ in range(most):
            others.enter_context(contextmanager(place.dependency)())
        yield


@pytest.mark.parametrize(
    ("what", "method", "path", "body"),
    [
        ("test", "POST", "/mail/test", {"to": "olga@example.org"}),
        ("test", "POST", "/slack/test", {}),
        ("test", "POST", "/endpoints/erp/test", None),
        ("lookup", "POST", "/endpoints", {"name": "erp", "url": URL}),
        ("lookup", "PATCH", "/endpoints/erp", {"url": URL}),
        ("verification", "GET", "/audit/verify", None),
    ],
)
def test_a_program_is_told_at_once_that_too_many_wait(
    olga: Browser, what: str, method: str, path: str, body: object
) -> None:
    with busy(what):
        refused = olga.api(method, path, json=body)

    assert refused.status_code == 503, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "30"
    assert "try again" in refused.json()["detail"]
    assert olga.api(method, path, json=body).status_code != 503


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("test", "/integrations/mail/test"),
        ("test", "/integrations/slack/test"),
        ("test", "/integrations/endpoints/1/test"),
        ("lookup", "/integrations/endpoints/new"),
        ("lookup", "/integrations/endpoints/1/edit"),
    ],
)
def test_a_person_reads_it_on_a_page(olga: Browser, what: str, path: str) -> None:
    with busy(what):
        refused = olga.post(path)

    assert refused.status_code == 503
    assert "try again" in words(refused.text)
    assert olga.post(path).status_code != 503


def test_a_place_is_free_again_whatever_came_of_the_test(olga: Browser) -> None:
    for _ in range(TESTS_AT_ONCE + 1):
        assert olga.api("POST", "/mail/test", json={"to": "nobody"}).status_code == 422
        assert olga.api("POST", "/slack/test", json={}).status_code == 200


def test_half_of_the_connections_are_left_for_pages() -> None:
    assert LOOKUPS_AT_ONCE + VERIFICATIONS_AT_ONCE <= app.POOL_SIZE // 2
