"""Templates by name, in the reader's language, with other people's text kept harmless."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from doclife.delivery.plain_text import cut_for_slack, escape_for_slack, one_line
from doclife.delivery.rendering import LOCALES, NAMES, TEMPLATE_FAULTS, Templates, templates
from doclife.errors import ConfigurationError

CONTEXT: dict[str, Any] = {
    "document": {
        "title": "Lease & <b>more</b>",
        "external_id": "4711",
        "document_type": "contract",
        "owner": None,
        "expires_on": date(2026, 12, 1),
    },
    "rule": {"name": "contracts", "version": 3, "description": None, "authority": "HGB s.257"},
    "organization": "default",
    "contact": "records@example.org",
    "action": "DELETE",
    "anchor_on": date(2025, 1, 1),
    "due_on": date(2026, 12, 2),
    "days_left": 7,
    # The digest's own:
    "today": date(2026, 12, 1),
    "is_overview": True,
    "plans": {"rows": [], "total": 0, "more": 0},
    "sections": [],
    # The report's own:
    "starts_on": date(2026, 11, 1),
    "ends_on": date(2026, 11, 30),
    "summary": dict.fromkeys(
        ("archived", "trashed", "purged", "failed", "overdue", "held", "expiring"), 1234567
    ),
    "is_attached": True,
    "store": "archive",
    "html_uri": "file:///reports/1.html",
    "csv_uri": "file:///reports/1.csv",
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", NAMES)
def test_every_template_renders_in_every_language(name: str, locale: str) -> None:
    email = templates().email(name, locale=locale, context=CONTEXT)

    assert email.subject
    assert email.text.endswith("\n")
    assert f'<html lang="{locale}">' in email.html
    assert "<b>more</b>" not in email.html
    if name not in ("digest", "report"):
        assert "Lease & <b>more</b>" in email.text
        assert "&lt;b&gt;" in templates().slack(name, locale=locale, context=CONTEXT).text


def test_a_language_without_words_is_answered_in_english() -> None:
    subject = templates().email("deletion-warning", locale="fr_CA", context=CONTEXT).subject

    assert subject == "Lease & <b>more</b> will be deleted on 2 December 2026"


@pytest.mark.parametrize("name", ["", "nope", "../layout", "digest.txt.j2"])
def test_only_known_templates_are_found(name: str) -> None:
    with pytest.raises(ConfigurationError, match="Templates: deletion-warning, digest"):
        templates().email(name, locale="en", context=CONTEXT)


def test_a_template_that_asks_for_what_is_not_there_says_so() -> None:
    with pytest.raises(ConfigurationError, match=r"email/en/notice.txt.j2 .*'document'"):
        templates().email("notice", locale="en", context={})


def test_an_own_folder_replaces_single_templates(tmp_path: Path) -> None:
    own = tmp_path / "email" / "en" / "notice.txt.j2"
    own.parent.mkdir(parents=True)
    own.write_text("Ours: {{ document.title }}\nOur words\n")

    email = Templates([tmp_path]).email("notice", locale="en", context=CONTEXT)

    assert email.subject == "Ours: Lease & <b>more</b>"
    assert "Rule <b>contracts</b>" in email.html


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("x {{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ("x\n\n{{ documnet.title }}", 3, "'documnet' is undefined"),
        ("x\n{% if %}", 2, "Expected an expression"),
        ("x\n{{ 1 + document.title }}", 2, "unsupported operand"),
        ("x\n{{ document.title.upper() }}", 2, "not safely callable"),
        ("x\n{{ 'x' * 1000000000 }}", 2, "for numbers alone"),
        ("x\n{{ 9 ** 99999999 }}", 2, "no powers"),
        ("x\n{{ '%999999999d' % 1 }}", 2, "for numbers alone"),
        ("x\n{{ 'x' | center(1000000000) }}", 2, "No filter named 'center'"),
        ("x\n{{ range(1000000000) }}", 2, "'range' is undefined"),
        ("x\n{% include 'email/../../secrets.txt' %}", 2, "email/../../secrets.txt"),
        ("x" * 100_001, 1, "larger than 100,000 characters"),
        (
            "{% set a = 'x' ~ document.title ~ document.title %}\n"
            + "{% set a = a ~ a %}" * 17
            + "\n{{ a }}",
            None,
            "longer than 2,000,000 characters",
        ),
    ],
)
def test_an_own_template_that_cannot_be_used_is_named_and_ours_is_used(
    tmp_path: Path, text: str, line: int | None, reason: str
) -> None:
    own = tmp_path / "email" / "en" / "notice.txt.j2"
    own.parent.mkdir(parents=True)
    own.write_text(text)
    both = Templates([tmp_path])

    email = both.email("notice", locale="en", context=CONTEXT)

    assert email == templates().email("notice", locale="en", context=CONTEXT)
    [fault] = both.faults.take()
    assert reason in fault.reason
    if line is not None:
        assert fault.place == f"{own}:{line}" or reason in fault.place + fault.reason
    both.email("notice", locale="en", context=CONTEXT)
    assert both.faults.take() == []


def test_bytes_that_are_no_text_are_no_template(tmp_path: Path) -> None:
    own = tmp_path / "email" / "en" / "notice.html.j2"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"\xff\xfe")
    both = Templates([tmp_path])

    assert both.email("notice", locale="en", context=CONTEXT).html.startswith("<!DOCTYPE")
    assert len(both.faults.take()) == 1


def test_an_organization_goes_before_the_deployment_and_that_before_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCLIFE_TEMPLATES", str(tmp_path))
    for folder, words in (("", "All"), ("organizations/acme/", "Acme")):
        own = tmp_path / f"{folder}email/en/notice.txt.j2"
        own.parent.mkdir(parents=True)
        own.write_text(f"{words}: {{{{ document.title }}}}\nWords\n")

    def subject(organization: str | None) -> str:
        return templates(organization).email("notice", locale="en", context=CONTEXT).subject

    assert subject("acme").startswith("Acme: ")
    assert subject("other").startswith("All: ")
    assert templates("acme").email("digest", locale="en", context=CONTEXT).subject
    own.write_text("Changed: {{ document.title }}\nWords\n")
    os.utime(own, (1, 1))
    assert subject("acme").startswith("Changed: ")


@pytest.mark.parametrize("path", ["organizations/", "./organizations/", "organizations//"])
def test_a_template_takes_nothing_from_another_organization(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("DOCLIFE_TEMPLATES", str(tmp_path))
    theirs = tmp_path / "organizations/other/signature.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("Their words")
    for folder in ("", "organizations/acme/"):
        own = tmp_path / f"{folder}email/en/notice.txt.j2"
        own.parent.mkdir(parents=True)
        own.write_text(f"Subject\n{{% include '{path}other/signature.txt' %}}\n")

    for organization in ("acme", "other", None):
        mail = templates(organization).email("notice", locale="en", context=CONTEXT)
        assert mail.subject != "Subject"
        assert "Their words" not in mail.text
    assert "organizations" in TEMPLATE_FAULTS.take()[0].reason


def test_an_own_frame_is_put_around_our_mails(tmp_path: Path) -> None:
    own = tmp_path / "email" / "layout.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<p>Acme's frame</p>{% block content %}{% endblock %}")

    html = Templates([tmp_path]).email("notice", locale="en", context=CONTEXT).html

    assert html.startswith("<p>Acme's frame</p>")
    assert "Lease &amp; &lt;b&gt;" in html


def test_shows_the_logo_of_the_organization() -> None:
    logo = {"logo_url": "https://example.org/l.png?a=1&b=2"}

    html = templates().email("digest", locale="en", context={**CONTEXT, **logo}).html

    assert '<img src="https://example.org/l.png?a=1&amp;b=2" alt="default"' in html
    assert "<img" not in templates().email("digest", locale="en", context=CONTEXT).html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\r\nBcc: x", "a Bcc: x"),
        ("a\x00\x1b[31mb\x85c\u2028d\u2029e", "a [31mb c d e"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("\u2066x\u2069\u200b\ufeff\u061c", "x"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("  two   words ", "two words"),
        ("x" * 300, "x" * 199 + "\u2026"),
    ],
)
def test_foreign_text_is_one_line_in_reading_order(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_slack_text_is_never_cut_inside_an_entity() -> None:
    escaped = escape_for_slack("a<b&c")
    assert escaped == "a&lt;b&amp;c"

    for length in range(2, len(escaped) + 1):
        shown = cut_for_slack(escaped, length=length)
        assert len(shown) <= length
        assert shown.replace("&lt;", "").replace("&amp;", "").count("&") == 0


@pytest.mark.parametrize("name", ["notice", "expiry-warning", "deletion-warning"])
def test_slack_shows_what_it_is_about_large_and_the_rest_small(name: str) -> None:
    message = templates().slack(name, locale="en", context=CONTEXT)

    large, small = message.blocks
    assert large["type"] == "section"
    assert "Lease &amp; &lt;b&gt;more&lt;/b&gt;" in large["text"]["text"]
    assert small["type"] == "context"
    assert "Lease" not in small["elements"][0]["text"]


def test_a_summary_leads_to_each_plan_and_to_signing_off() -> None:
    plan = {
        "plan_id": 7,
        "url": "https://airflow/doclife/plans/7",
        "rule": "rule@1",
        "document_count": 3,
        "reason": "too many",
        "since": None,
        "stage": None,
        "until": None,
        "is_late": False,
    }
    context = {
        "organization": "Default",
        "today": date(2026, 3, 2),
        "is_overview": True,
        "plans": {"rows": [plan], "total": 1, "more": 0},
        "sections": [],
        "start_url": "https://airflow/doclife/",
        "unsubscribe_url": "https://public/doclife/public/unsubscribe/token",
    }

    for locale in ("en", "es"):
        mail = templates().email("digest", locale=locale, context=context)

        for text in (mail.text, mail.html):
            assert "https://airflow/doclife/plans/7" in text
            assert "https://airflow/doclife/\n" in text or 'href="https://airflow/doclife/"' in text
            assert "https://public/doclife/public/unsubscribe/token" in text


def test_each_fact_of_a_notice_in_slack_has_a_line_of_its_own() -> None:
    message = templates().slack("notice", locale="en", context=CONTEXT)

    assert message.text.endswith("counted from 1 January 2025\nDue since 2 December 2026")
