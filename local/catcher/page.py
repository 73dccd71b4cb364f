"""The page that shows what came. Nothing of it runs: no script, no picture from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from local.catcher import slack_text
from local.catcher.caught import Caught, CaughtFolder, Kind
from local.catcher.mail import framed, read_mail

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = 200
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MAIL_HEADERS = {
    **HEADERS,
    # Also where somebody opens it outside of its frame.
    "Content-Security-Policy": "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'self'",
}
NAMES = {Kind.MAIL: "Mails", Kind.SLACK: "Slack messages", Kind.WEBHOOK: "Webhook calls"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the list says of one thing that came."""

    caught: Caught
    to: str
    says: str
    signature: str = ""


class Page:
    """Serves the pages below a key, which only who may read .local knows.

    :param key: the first part of every path; other users of this machine have no business here.
    """

    def __init__(self, folder: CaughtFolder, *, key: str) -> None:
        self._folder = folder
        self._root = f"/{key}/"
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
        )
        self.app = web.Application()
        self.app.router.add_get(self._root, self._list)
        self.app.router.add_get(f"{self._root}style.css", self._style)
        self.app.router.add_get(f"{self._root}counts", self._counts)
        self.app.router.add_get(f"{self._root}{{id}}", self._one)
        self.app.router.add_get(f"{self._root}{{id}}/html", self._html)
        self.app.router.add_get(f"{self._root}{{id}}/file", self._file)

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query.get("kind")
        kind = Kind(wanted) if wanted in set(Kind) else None
        found = self._folder.list(kind)
        lines = [_line(one) for one in found[:SHOWN]]
        return self._page("list.html", kind=kind, lines=lines, more=max(0, len(found) - SHOWN))

    async def _one(self, request: web.Request) -> web.Response:
        one = self._find(request)
        try:
            if one.kind is Kind.MAIL:
                return self._page("mail.html", one=one, line=_line(one), mail=read_mail(one.path))
            call = one.call()
            content = _json_of(call)
            shown = json.dumps(content, indent=2, ensure_ascii=False) if content else call["body"]
        except (OSError, ValueError, KeyError, AssertionError) as error:
            raise web.HTTPInternalServerError(text=f"{one.path} cannot be read: {error}") from error
        message = Markup("")
        if one.kind is Kind.SLACK:
            message = slack_text.blocks(content.get("blocks")) or slack_text.mrkdwn(
                str(content.get("text") or "")
            )
        return self._page(
            "call.html", one=one, line=_line(one), call=call, content=shown, message=message
        )

    async def _html(self, request: web.Request) -> web.Response:
        one = self._find(request)
        html = read_mail(one.path).html if one.kind is Kind.MAIL else None
        if html is None:
            raise web.HTTPNotFound
        return web.Response(text=framed(html), content_type="text/html", headers=MAIL_HEADERS)

    async def _file(self, request: web.Request) -> web.Response:
        one = self._find(request)
        return web.Response(
            body=one.path.read_bytes(),
            content_type="application/octet-stream",
            headers={
                **HEADERS,
                "Content-Disposition": f'attachment; filename="{one.path.name}"',
            },
        )

    async def _style(self, request: web.Request) -> web.Response:
        del request
        text = (TEMPLATES / "style.css").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/css", headers=HEADERS)

    async def _counts(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self._folder.counts(), headers=HEADERS)

    def _find(self, request: web.Request) -> Caught:
        one = self._folder.find(request.match_info["id"])
        if one is None:
            raise web.HTTPNotFound(text="This is gone: only the newest are kept.")
        return one

    def _page(self, template: str, **values: object) -> web.Response:
        text = self._templates.get_template(template).render(
            root=self._root, names=NAMES, counts=self._folder.counts(), **values
        )
        return web.Response(text=text, content_type="text/html", headers=HEADERS)


def _line(one: Caught) -> Line:
    """Read what the list says; what cannot be read hides nothing else."""
    try:
        if one.kind is Kind.MAIL:
            mail = read_mail(one.path)
            return Line(caught=one, to=mail.recipients, says=mail.subject)
        call = one.call()
        content = _json_of(call)
        if one.kind is Kind.SLACK:
            to = str(content.get("channel") or "its own channel")
            return Line(caught=one, to=to, says=_first_line(str(content.get("text") or "")))
        return Line(
            caught=one,
            to=call["endpoint"],
            says=" ".join(filter(None, [str(content.get("type") or "?"), _document_of(content)])),
            signature=call["signature"],
        )
    except (OSError, ValueError, KeyError, AssertionError) as error:
        return Line(caught=one, to="?", says=f"{one.path.name} cannot be read: {error}")


def _document_of(content: Mapping[str, object]) -> str:
    data = content.get("data")
    document = data.get("document") if isinstance(data, dict) else None
    return str(document.get("external_id") or "") if isinstance(document, dict) else ""


def _json_of(call: Mapping[str, object]) -> dict[str, object]:
    try:
        content = json.loads(str(call.get("body")))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _first_line(text: str) -> str:
    plain = slack_text.mrkdwn(text.partition("\n")[0]).striptags()
    return str(plain)
