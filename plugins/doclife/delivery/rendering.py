"""Messages as people read them: templates by name, in the reader's language.

``include/templates/email/<locale>/<name>.txt.j2`` (its first line is the subject) with an
``.html.j2`` beside it, and ``include/templates/slack/<locale>/<name>.txt.j2``. Everything is
rendered when the job is stored: what a preview shows is what is sent.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateError, TemplateNotFound

from doclife.delivery.plain_text import cut_for_slack, escape_for_slack, one_line
from doclife.delivery.template_files import (
    FAULTS_OF_OWN,
    ORGANIZATIONS,
    FaultLog,
    TemplateFunction,
    fault_of,
    rendered,
    sandbox,
)
from doclife.domain.message import TEMPLATES
from doclife.errors import ConfigurationError

TEMPLATES_DIR = Path(__file__).resolve().parents[3] / "include" / "templates"
OWN_TEMPLATES = "DOCLIFE_TEMPLATES"
"""A folder with an operator's own templates, laid out as ours. Templates are read where they are
rendered, like SQL files, so this is looked at here and not handed down."""
TEMPLATE_FAULTS = FaultLog()
"""What is wrong with own templates, until somebody is told."""
NAMES = tuple(sorted(("digest", "report", *TEMPLATES)))
"""The templates there are; ``digest`` is the daily summary's, ``report`` brings a report, and the
others a rule may name."""
LOCALES = ("en", "es")
DEFAULT_LOCALE = "en"

SUBJECT_LENGTH = 200
SLACK_TEXT_LENGTH = 3000
"""Slack's limit for the text of one section block."""
SLACK_URL_LENGTH = 3000
"""Slack's limit for the URL of a button."""
LINK_NAMES = ("document_url", "start_url", "keep_url", "keep_until", "unsubscribe_url")
"""What every template may ask for, and gets nothing for where a message has no such link."""
_BUTTONS = {
    "en": {
        "document": "Open the document",
        "plan": "Open the plan",
        "keep": "Keep it",
        "start": "Open doclife",
    },
    "es": {
        "document": "Abrir el documento",
        "plan": "Abrir el plan",
        "keep": "Conservarlo",
        "start": "Abrir doclife",
    },
}

# fmt: off
_MONTHS = {
    "en": [
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ],
    "es": [
        "enero", "febrero", "marzo", "abril", "mayo", "junio",
        "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ],
}
# fmt: on


@dataclass(frozen=True, kw_only=True, slots=True)
class Email:
    """One rendered mail, without its recipient."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackMessage:
    """One rendered Slack message: the text for notifications, and the blocks that are shown."""

    text: str
    blocks: Sequence[Mapping[str, Any]]


class Templates:
    """Our templates, and an operator's own that stand before them.

    :param own: where to look first, in this order: a folder holds only what differs.
    :param faults: where it is noted that an own template could not be used, and ours was.
    """

    def __init__(self, own: Sequence[Path] = (), *, faults: FaultLog | None = None) -> None:
        self.own = tuple(own)
        self.faults = faults or FaultLog()
        self._ours = _ways([TEMPLATES_DIR])
        self._all = _ways([*own, TEMPLATES_DIR]) if own else self._ours

    def email(self, name: str, *, locale: str, context: Mapping[str, object]) -> Email:
        """Render a mail.

        :param locale: ``en``, ``es-MX``, ...; a language we have no words in is answered in
            English.
        :raises ConfigurationError: no template of that name, or it asks for what is not there.
        """
        language = language_of(locale)
        text = self._render("text", f"email/{language}/{name}.txt.j2", name, language, context)
        subject, _, body = text.partition("\n")
        html = self._render("html", f"email/{language}/{name}.html.j2", name, language, context)
        return Email(
            subject=one_line(subject, length=SUBJECT_LENGTH), text=body.strip() + "\n", html=html
        )

    def page(self, *, locale: str, context: Mapping[str, object]) -> str:
        """Render the page of a report.

        :raises ConfigurationError: as for ``email``.
        """
        language = language_of(locale)
        path = f"report/{language}/activity.html.j2"
        return self._render("html", path, "report", language, context)

    def slack(
        self,
        name: str,
        *,
        locale: str,
        context: Mapping[str, object],
        buttons: Mapping[str, str | None] | None = None,
    ) -> SlackMessage:
        """Render a Slack message; values are escaped, so that no title can call a channel.

        What stands before the first empty line of the template is the message, the rest is shown
        small below it.

        :param buttons: where they lead, by name (``document``, ``plan``, ``keep``, ``start``); one
            that leads nowhere is left out.
        :raises ConfigurationError: as for ``email``.
        """
        language = language_of(locale)
        path = f"slack/{language}/{name}.txt.j2"
        text = self._render("slack", path, name, language, context).strip()
        what, _, about = text.partition("\n\n")
        blocks: list[dict[str, Any]] = [{"type": "section", "text": _slack_text(what)}]
        if about.strip():
            blocks.append({"type": "context", "elements": [_slack_text(about.strip())]})
        if row := _slack_buttons(buttons or {}, language):
            blocks.append({"type": "actions", "elements": row})
        return SlackMessage(text=cut_for_slack(text, length=SLACK_TEXT_LENGTH), blocks=blocks)

    def _render(
        self, way: str, path: str, name: str, language: str, context: Mapping[str, object]
    ) -> str:
        # A name comes from a rule and becomes part of a path: only those we know.
        if name not in NAMES:
            raise ConfigurationError(
                f"there is no message template {name!r}. Templates: {', '.join(NAMES)}."
            )
        given = {**context, **_functions(language)}
        if self.own:
            try:
                return rendered(self._all[way], path, given)
            except FAULTS_OF_OWN as error:
                folders = [*self.own, TEMPLATES_DIR]
                fault = fault_of(error, path, folders)
            text = self._render_ours(way, path, given)
            self.faults.note(fault)  # ours can be rendered, so it is the own one's fault
            return text
        return self._render_ours(way, path, given)

    def _render_ours(self, way: str, path: str, context: Mapping[str, object]) -> str:
        try:
            return rendered(self._ours[way], path, context)
        except TemplateNotFound as error:
            raise ConfigurationError(
                f"the message template {error.name} is missing. Mount include/ next to plugins/."
            ) from error
        except TemplateError as error:
            raise ConfigurationError(
                f"the message template {path} cannot be rendered: {error.message or error}"
            ) from error


def templates(organization: str | None = None) -> Templates:
    """The templates of an organization, compiled once per process.

    A file in ``<DOCLIFE_TEMPLATES>/organizations/<organization>`` stands before one of the same
    path in ``<DOCLIFE_TEMPLATES>``, and that before ours. A changed file is read again.

    :param organization: short name; None for what holds for all.
    """
    return _templates(os.environ.get(OWN_TEMPLATES) or None, organization)


@lru_cache(maxsize=1000)
def _templates(folder: str | None, organization: str | None) -> Templates:
    own = [] if folder is None else [Path(folder)]
    if own and organization is not None:
        own.insert(0, own[0] / ORGANIZATIONS / organization)
    return Templates(own, faults=TEMPLATE_FAULTS)


def language_of(locale: str) -> str:
    """The language of a locale if there are words in it, else English."""
    language = locale.replace("_", "-").split("-")[0].lower()
    return language if language in LOCALES else DEFAULT_LOCALE


def day_in_words(day: date, language: str) -> str:
    """A day as people write it: 1 December 2026, 1 de diciembre de 2026."""
    month = _MONTHS[language][day.month - 1]
    return (
        f"{day.day} de {month} de {day.year}"
        if language == "es"
        else f"{day.day} {month} {day.year}"
    )


def number_in_words(number: int, language: str) -> str:
    """A number as people write it: 12,345, 12.345."""
    written = f"{number:,}"
    return written.replace(",", ".") if language == "es" else written


def size_in_words(size_bytes: int, language: str) -> str:
    """A size in decimal units: 1.2 MB, 1,2 MB."""
    amount, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB", "PB"]
    while amount >= 999.95 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    written = str(size_bytes) if units[0] == "B" else f"{amount:.1f}"
    return f"{written.replace('.', ',') if language == 'es' else written} {units[0]}"


def _ways(folders: Sequence[Path]) -> dict[str, Environment]:
    def way(*, is_html: bool, finalize: Callable[[object], object]) -> Environment:
        return sandbox(folders, is_html=is_html, names=LINK_NAMES, finalize=finalize)

    return {
        "text": way(is_html=False, finalize=_empty_for_none),
        "html": way(is_html=True, finalize=_empty_for_none),
        "slack": way(is_html=False, finalize=_finalize_for_slack),
    }


def _functions(language: str) -> dict[str, TemplateFunction]:
    """Return what templates may call."""
    return {
        "day": TemplateFunction(lambda value: day_in_words(value, language)),
        "number": TemplateFunction(lambda value: number_in_words(value, language)),
        "size": TemplateFunction(lambda value: size_in_words(value, language)),
    }


def _empty_for_none(value: object) -> object:
    return "" if value is None else value


def _slack_text(text: str) -> dict[str, Any]:
    """Return a text object; verbatim, so that Slack makes no links and mentions of its own."""
    return {
        "type": "mrkdwn",
        "text": cut_for_slack(text, length=SLACK_TEXT_LENGTH),
        "verbatim": True,
    }


def _slack_buttons(buttons: Mapping[str, str | None], language: str) -> list[dict[str, Any]]:
    """Return buttons that open a page; Slack asks nobody of ours when they are pressed."""
    return [
        {
            "type": "button",
            "action_id": name,
            "text": {"type": "plain_text", "text": _BUTTONS[language][name]},
            "url": url,
        }
        for name, url in buttons.items()
        if url is not None and len(url) <= SLACK_URL_LENGTH
    ]


def _finalize_for_slack(value: object) -> object:
    return "" if value is None else escape_for_slack(str(value))
