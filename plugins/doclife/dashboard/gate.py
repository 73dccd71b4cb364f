"""Everything passes here first: who it is, whether they may, and what browsers may do with it.

A route cannot forget to ask: strangers are refused before any route is looked for. Only what begins
with ``/public/`` passes without a login, and only while a public address is set.
"""

import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from doclife.dashboard import problems
from doclife.dashboard.access import Deed, Person, Rights
from doclife.errors import TryAgainLater

PUBLIC_PREFIX = "/public/"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FORM_FIELD = "form_token"
FORM_HEADER = "X-Doclife-Token"
"""Where a write carries what ``make_token`` made: in its form, or in a header."""
MOST_BYTES = 16_000_000
"""Of a request: a rule file of the longest text that is read, written as a form at its worst."""
TOKEN_SECONDS = 12 * 3600
"""How long a page may stand open before its forms must be loaded again."""


class Gate:
    """ASGI middleware around the whole dashboard."""

    def __init__(self, app: ASGIApp, *, is_public_on: Callable[[], bool]) -> None:
        self._app = app
        self._is_public_on = is_public_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no web sockets here
        request = Request(scope, receive)
        refusal = await self._refusal(request)
        await (refusal or self._app)(scope, _limited(receive), _with_headers(send))

    async def _refusal(self, request: Request) -> ASGIApp | None:
        if problems.path_of(request).startswith(PUBLIC_PREFIX):
            return None if self._is_public_on() else problems.respond(request, 404)
        try:
            user = await _user_of(request)
        except HTTPException as error:
            return problems.respond(request, error.status_code, detail=str(error.detail))
        if user is None:
            return problems.respond(
                request, 401, detail="The login is over. Log in to Airflow again"
            )
        person = Person(name=user.get_name(), airflow_user=user)
        rights = Rights(person)
        try:
            if not await run_in_threadpool(rights.allow, Deed.READ):
                return problems.respond(request, 403, detail=WHY_NOT[Deed.READ])
        except TryAgainLater as error:
            return problems.respond(request, problems.status_of(error), detail=str(error))
        request.state.person, request.state.rights = person, rights
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > MOST_BYTES:
            return problems.respond(request, 413, detail=TOO_LARGE)
        if request.method not in SAFE_METHODS and _is_forged(request):
            return problems.respond(
                request, 403, detail="The request does not come from one of doclife's own pages"
            )
        return None


async def _user_of(request: Request) -> BaseUser | None:
    """Return whose credential it is; None where it is only a part of one.

    Keycloak's manager returns that for Airflow's cookie without Keycloak's own.

    :raises HTTPException: there is no credential, or none that counts.
    """
    return await get_user(request, None, await bearer_scheme(request))


def _limited(receive: Receive) -> Receive:
    """Let no body grow without end: forms are read, and files kept, before a right is asked for."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BYTES:
            raise HTTPException(413, TOO_LARGE)
        return message

    return receive_limited


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in problems.SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


def _is_forged(request: Request) -> bool:
    """Return whether another site may have made the user's browser send this."""
    if _is_of_a_program(request):
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return site is None  # every browser sends at least one of them with a write
    own = {
        request.headers.get("host", ""),
        urlsplit(conf.get("api", "base_url", fallback="")).netloc,
    }
    return urlsplit(origin).netloc not in own - {""}


def _is_of_a_program(request: Request) -> bool:
    """Return whether a program sent this, with a credential of its own.

    The credential alone proves nothing: where everybody is an administrator (``[core]
    simple_auth_manager_all_admins``) Airflow itself adds one to each request. But no browser sends
    a write without saying from where.
    """
    return request.headers.get("authorization", "").lower().startswith("bearer ") and not (
        {"origin", "sec-fetch-site"} & set(request.headers)
    )


# ------------------------------------------------------------------------------------- tokens


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        conf.get_mandatory_value("api", "secret_key"), salt="doclife form"
    )


def make_token(person: Person, organization: str | None = None) -> str:
    """Return what a page of this person puts into its forms.

    :param organization: slug of the one that the page is about. Its forms act on that one, also
        when the person has gone on to another one in a second window.
    """
    return _serializer().dumps([person.airflow_user.get_id(), organization])


def _read_token(person: Person, token: str) -> tuple[bool, str | None]:
    """Return whether a token was made for the person, and for a page of which organization."""
    try:
        owner, organization = _serializer().loads(token, max_age=TOKEN_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return False, None
    return hmac.compare_digest(str(owner), str(person.airflow_user.get_id())), organization


async def check_token(request: Request) -> None:
    """Refuse a write whose form or header does not carry a token of this person.

    A dependency of the whole app: no route can leave it out.
    """
    if request.method in SAFE_METHODS or _is_of_a_program(request):
        return
    if problems.path_of(request).startswith(PUBLIC_PREFIX):
        return  # nobody is logged in there; the link itself is signed
    token = request.headers.get(FORM_HEADER)
    if token is None and _is_form(request):
        token = str((await request.form()).get(FORM_FIELD, ""))
    is_own, request.state.organization = _read_token(request.state.person, token or "")
    if not is_own:
        raise HTTPException(
            403, "The page was open for too long, or the request was not made by it. Load it again."
        )


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data"))


# ------------------------------------------------------------------------------------- rights


class Need:
    """A dependency that refuses whoever may not do the deed."""

    def __init__(self, deed: Deed) -> None:
        self.deed = deed

    def __call__(self, request: Request) -> None:
        """Refuse with 403."""
        if not request.state.rights.allow(self.deed):
            raise HTTPException(403, WHY_NOT[self.deed])


def needs(deed: Deed) -> Any:
    """Return what a route lists in its ``dependencies``; every write has one."""
    return Depends(Need(deed))


WHY_NOT = {
    Deed.READ: "Reading needs read access to all of doclife's DAGs in Airflow",
    Deed.EDIT: "Editing needs edit access to the DAG execute_automation_rules in Airflow",
    Deed.RUN: "This needs the right to trigger the DAG run_rule in Airflow",
    Deed.APPROVE: "Deciding needs the right to answer required actions of the DAG review_plan",
    Deed.SEND: "Sending needs the right to trigger the DAG process_queue in Airflow",
    Deed.CONNECT: "Secrets are Airflow Connections; this needs the right to change them",
}

TOO_LARGE = f"A request has at most {MOST_BYTES // 1_000_000} MB"
TokenCheck = Depends(check_token)
