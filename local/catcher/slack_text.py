"""Shows Slack's messages roughly as Slack does: blocks and mrkdwn as harmless HTML."""

from __future__ import annotations

import html
import re
from typing import Any

from markupsafe import Markup, escape

_TOKEN = re.compile(r"<([^<>\n]+)>")
_SPAN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*(?P<strong>[^*\n]+)\*(?![\w*])"
    r"|(?<![\w_])_(?P<em>[^_\n]+)_(?![\w_])"
    r"|(?<![\w~])~(?P<s>[^~\n]+)~(?![\w~])"
)
_ELEMENTS = {
    "code": Markup("<code>{}</code>"),
    "strong": Markup("<strong>{}</strong>"),
    "em": Markup("<em>{}</em>"),
    "s": Markup("<s>{}</s>"),
}
LINK = re.compile(r"(?:https?|mailto):", re.IGNORECASE)


def mrkdwn(text: str) -> Markup:
    """Return Slack's markup as HTML; whatever is no markup is shown as it stands."""
    parts = []
    at = 0
    for token in _TOKEN.finditer(text):
        parts += [_spans(text[at : token.start()]), _token(token[1])]
        at = token.end()
    return Markup("").join([*parts, _spans(text[at:])])


def blocks(given: object) -> Markup:
    """Return a message's blocks as HTML; a kind that is not known is named."""
    many = given if isinstance(given, list) else []
    return Markup("").join(_block(one) for one in many if isinstance(one, dict))


def _spans(text: str) -> Markup:
    parts = []
    at = 0
    for span in _SPAN.finditer(text):
        kind = str(span.lastgroup)
        # What stands in code is no markup; in everything else there may be more of it.
        inner = _plain(span[kind]) if kind == "code" else _spans(span[kind])
        parts += [_plain(text[at : span.start()]), _ELEMENTS[kind].format(inner)]
        at = span.end()
    return Markup("").join([*parts, _plain(text[at:])])


def _plain(text: str) -> Markup:
    # Slack's texts carry &amp; &lt; &gt; for the characters that its markup needs.
    return Markup("<br>").join(html.unescape(text).split("\n"))


def _token(inner: str) -> Markup:
    target, bar, label = inner.partition("|")
    shown = html.unescape(label if bar else target)
    if LINK.match(target):
        return _link(html.unescape(target), shown)
    return Markup("<em>{}</em>").format(shown.lstrip("!"))


def _link(target: str, shown: str) -> Markup:
    return Markup('<a href="{}" target="_blank" rel="noreferrer noopener">{}</a>').format(
        target, shown
    )


def _block(block: dict[str, Any]) -> Markup:
    match block.get("type"):
        case "header":
            return Markup("<h3>{}</h3>").format(_text(block.get("text")))
        case "section":
            fields = [_text(one) for one in block.get("fields") or ()]
            cells = Markup("").join(Markup("<div>{}</div>").format(one) for one in fields)
            body = _text(block.get("text")) if block.get("text") else Markup("")
            found = Markup("<p>{}</p>").format(body) if body else Markup("")
            return found + (
                Markup('<div class="fields">{}</div>').format(cells) if cells else Markup("")
            )
        case "context":
            texts = [_text(one) for one in block.get("elements") or ()]
            return Markup('<p class="quiet">{}</p>').format(Markup(" · ").join(texts))
        case "actions":
            buttons = [_button(one) for one in block.get("elements") or () if isinstance(one, dict)]
            return Markup('<p class="buttons">{}</p>').format(Markup(" ").join(buttons))
        case "divider":
            return Markup("<hr>")
        case kind:
            return Markup('<p class="quiet">({})</p>').format(kind)


def _button(element: dict[str, Any]) -> Markup:
    label = _text(element.get("text"))
    target = str(element.get("url") or "")
    if LINK.match(target):
        return Markup(
            '<a class="button" href="{}" target="_blank" rel="noreferrer noopener">{}</a>'
        ).format(target, label)
    return Markup('<span class="button">{}</span>').format(label)


def _text(element: object) -> Markup:
    if not isinstance(element, dict):
        return Markup("")
    text = str(element.get("text") or element.get("alt_text") or "")
    return mrkdwn(text) if element.get("type") == "mrkdwn" else escape(text)
