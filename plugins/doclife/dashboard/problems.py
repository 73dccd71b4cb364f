"""Turns every failure into a page, or into a problem document (RFC 9457) for programs."""

import logging
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from psycopg_pool import PoolTimeout
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException as StarletteHTTPException

from doclife.dashboard import rendering
from doclife.errors import (
    ConfigurationError,
    DoclifeError,
    RefusedError,
    StorageError,
    TryAgainLater,
)

logger = logging.getLogger(__name__)

SECURITY_HEADERS = {
    # Nothing from elsewhere, nothing inline; only Airflow itself may put it into a frame.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that browsers send "Origin: null" with forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Pages show documents: neither the browser's disk nor a proxy keeps them.
    "Cache-Control": "no-store",
}
"""What every answer carries that does not say otherwise."""
API_PREFIX = "/api/"
STATUSES: tuple[tuple[type[DoclifeError], int], ...] = (
    (ConfigurationError, 422),
    (RefusedError, 409),
    (StorageError, 502),
    (TryAgainLater, 503),
)
AWAY = "The documents database does not answer. Nothing is changed while it is away."


def path_of(request: Request) -> str:
    """Return the path below where the dashboard is mounted, e.g. ``/rules/12``."""
    path: str = get_route_path(request.scope)
    return path or "/"


def respond(
    request: Request, status: int, *, detail: str | None = None, **members: Any
) -> Response:
    """Return a problem as a page, or as JSON below ``/api/``.

    :param members: what else the problem document says, e.g. ``errors``.
    """
    title = HTTPStatus(status).phrase
    if path_of(request).startswith(API_PREFIX):
        content = {"type": "about:blank", "title": title, "status": status}
        if detail:
            content["detail"] = detail
        return JSONResponse(
            content | members, status_code=status, media_type="application/problem+json"
        )
    return rendering.problem(request, status=status, title=title, detail=detail)


def install(app: FastAPI) -> None:
    """Let the app answer every failure this way."""
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DoclifeError, _ours)
    app.add_exception_handler(psycopg.OperationalError, _away)
    app.add_exception_handler(PoolTimeout, _away)
    app.add_exception_handler(psycopg.DataError, _unspeakable)
    app.add_exception_handler(Exception, _unforeseen)


def _http(request: Request, error: Any) -> Response:
    phrase = HTTPStatus(error.status_code).phrase
    detail = None if error.detail in (None, phrase) else str(error.detail)
    response = respond(request, error.status_code, detail=detail)
    response.headers.update(error.headers or {})
    return response


def _invalid(request: Request, error: Any) -> Response:
    """Name what is wrong with the request; values are not repeated."""
    faults = [
        {
            "field": ".".join(map(str, fault["loc"][1:])) or str(fault["loc"][0]),
            "fault": fault["msg"],
        }
        for fault in error.errors()
    ]
    detail = "; ".join(f"{fault['field']}: {fault['fault']}" for fault in faults)
    return respond(request, 422, detail=detail, errors=faults)


def status_of(error: DoclifeError) -> int:
    """Return the HTTP status that says the same."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def _ours(request: Request, error: Any) -> Response:
    return respond(request, status_of(error), detail=str(error))


def _away(request: Request, error: Exception) -> Response:
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return respond(request, 503, detail="Somebody else is at work on it. Try again.")
    if isinstance(error, psycopg.errors.QueryCanceled):
        logger.error("%s %s took too long", request.method, request.url.path)
        return respond(request, 503, detail="It took too long and was given up. Ask for less.")
    logger.warning("The documents database does not answer: %s", error)
    return respond(request, 503, detail=AWAY)


def _unspeakable(request: Request, error: Exception) -> Response:
    """Refuse what no column can hold: a NUL character, a number without end."""
    logger.warning("%s %s was refused: %s", request.method, request.url.path, error)
    return respond(request, 422, detail="The database has no place for one of these values.")


def _unforeseen(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    answer = respond(
        request, 500, detail="This is a fault of doclife's. The api-server's log says which."
    )
    answer.headers.update(SECURITY_HEADERS)  # it is given outside of the Gate
    return answer
