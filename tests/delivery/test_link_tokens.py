"""Tokens of links: what they are good for, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from doclife.connections import ServiceConnection
from doclife.delivery.link_tokens import ExpiredToken, InvalidToken, LinkKeys, Purpose
from doclife.delivery.links import KeepSubject, ListMember, read_links, read_public_url
from doclife.errors import ConfigurationError

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
OLD, NEW = "k" * 43, "n" * 43
KEYS = LinkKeys(newest=NEW)


def test_opens_what_it_sealed() -> None:
    token = KEYS.seal(Purpose.KEEP, "what", expires_at=NOW)

    assert KEYS.open(Purpose.KEEP, token, now=NOW - timedelta(seconds=1)) == "what"


def test_a_token_is_worth_nothing_from_its_end_on() -> None:
    token = KEYS.seal(Purpose.KEEP, "what", expires_at=NOW)

    with pytest.raises(ExpiredToken):
        KEYS.open(Purpose.KEEP, token, now=NOW)


def test_a_token_without_an_end_never_ends() -> None:
    token = KEYS.seal(Purpose.UNSUBSCRIBE, "what", expires_at=None)

    assert KEYS.open(Purpose.UNSUBSCRIBE, token, now=NOW + timedelta(days=36500)) == "what"


@pytest.mark.parametrize(
    ("sealed", "opened"),
    [(Purpose.UNSUBSCRIBE, Purpose.KEEP), (Purpose.KEEP, Purpose.UNSUBSCRIBE)],
)
def test_a_token_is_good_for_its_purpose_only(sealed: Purpose, opened: Purpose) -> None:
    token = KEYS.seal(sealed, "what", expires_at=None)

    with pytest.raises(InvalidToken):
        KEYS.open(opened, token, now=NOW)


def test_no_character_of_a_token_can_be_changed() -> None:
    token = KEYS.seal(Purpose.KEEP, "owner@example.org", expires_at=None)

    for place, letter in enumerate(token[:-1]):  # the last may carry bits that mean nothing
        other = "A" if letter != "A" else "B"
        with pytest.raises(InvalidToken):
            KEYS.open(Purpose.KEEP, token[:place] + other + token[place + 1 :], now=NOW)


@pytest.mark.parametrize("token", ["", "a", "%", "ä" * 40, "A" * 5000, "A" * 40 + "\n"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        KEYS.open(Purpose.KEEP, token, now=NOW)


def test_nobody_reads_an_address_in_a_token() -> None:
    token = KEYS.seal(Purpose.UNSUBSCRIBE, "owner@example.org", expires_at=None)

    assert "owner" not in token
    assert KEYS.seal(Purpose.UNSUBSCRIBE, "owner@example.org", expires_at=None) == token


def test_links_that_are_out_stay_good_while_the_old_key_lives() -> None:
    token = LinkKeys(newest=OLD).seal(Purpose.KEEP, "what", expires_at=None)

    assert LinkKeys(newest=NEW, previous=OLD).open(Purpose.KEEP, token, now=NOW) == "what"
    with pytest.raises(InvalidToken):
        LinkKeys(newest=NEW).open(Purpose.KEEP, token, now=NOW)


def test_a_key_that_could_be_guessed_is_refused_and_none_is_shown() -> None:
    with pytest.raises(ConfigurationError, match="openssl rand"):
        LinkKeys(newest="secret")
    assert OLD not in repr(LinkKeys(newest=NEW, previous=OLD))


def test_subjects_come_back_as_they_went() -> None:
    day = NOW.date()
    kept = KeepSubject(rule_id=1, document_id=2, due_on=day, goes_on=day, recipient="a@b.org")
    reader = ListMember(organization="default", address="a@b.org")

    assert KeepSubject.from_text(kept.to_text()) == kept
    assert ListMember.from_text(reader.to_text()) == reader
    with pytest.raises(InvalidToken):
        KeepSubject.from_text(reader.to_text())


def connection(_id: str) -> ServiceConnection:
    return ServiceConnection(
        id="doclife_links", type="generic", password=NEW, extra={"previous_key": OLD}
    )


def test_links_lead_nowhere_until_somebody_says_where() -> None:
    links = read_links({}, connections=connection)

    assert links.document(7) is links.plan(7) is links.start() is None
    assert links.unsubscribe(ListMember(organization="default", address="a@b.org")) is None


def test_links_lead_where_the_settings_say() -> None:
    environment = {
        "DOCLIFE_PUBLIC_URL": "https://documents.example.com/",
        "DOCLIFE_AIRFLOW_URL": "https://airflow.example.com/",
    }
    links = read_links(environment, connections=connection, airflow_url="http://elsewhere")

    assert links.document(7) == "https://airflow.example.com/doclife/documents/7"
    assert links.plan(7) == "https://airflow.example.com/doclife/plans/7"
    url = links.unsubscribe(ListMember(organization="default", address="a@b.org"))
    assert url is not None
    assert url.startswith("https://documents.example.com/doclife/public/unsubscribe/")


def test_pages_are_where_airflow_says_when_nobody_else_does() -> None:
    links = read_links({}, connections=connection, airflow_url="http://localhost:8080/")

    assert links.start() == "http://localhost:8080/doclife/"


@pytest.mark.parametrize(
    "url",
    ["http://documents.example.com", "documents.example.com", "https://u@h.org", "https://h.org?a"],
)
def test_an_address_that_no_link_should_have_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DOCLIFE_PUBLIC_URL"):
        read_public_url({"DOCLIFE_PUBLIC_URL": url})


@pytest.mark.parametrize("url", ["https://h.org", "http://h.org"])
def test_messages_go_out_without_public_links_where_these_are_set_up_wrongly(url: str) -> None:
    environment = {"DOCLIFE_PUBLIC_URL": url, "DOCLIFE_AIRFLOW_URL": "https://airflow"}
    links = read_links(environment, connections=lambda _id: None)

    assert links.unsubscribe(ListMember(organization="default", address="a@b.org")) is None
    assert links.document(7) == "https://airflow/doclife/documents/7"
    assert links.fault is not None
    assert "doclife_links" in links.fault or "DOCLIFE_PUBLIC_URL" in links.fault
