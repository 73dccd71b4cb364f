"""Calls Airflow's own REST API as the person who asks: their credential, their rights, their name.

The call stays in this process, so no address, certificate or proxy has to be known; Airflow checks
it as it checks every other, and records who started a run or answered a question.
"""

from typing import Any

import anyio.from_thread
import httpx
from fastapi import Request

from doclife.dashboard.visit import Visit
from doclife.errors import RefusedError

FORWARDED = ("authorization", "cookie", "referer")
TIMEOUT_SECONDS = 20.0


class AirflowRefused(RefusedError):
    """Airflow answered with an error.

    :param status: the status of HTTP.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


def call(here: Visit, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
    """Make one call on behalf of whoever makes the request, and return its JSON.

    For routes that are not ``async``: it waits in the route's own thread, and gives its connection
    back before. What is called within a transaction would wait with one, and is an error.

    :param path: with ``/api/v2/`` in front.
    :raises AirflowRefused: Airflow says no; the message is what it said.
    """
    here.lease.give_back()
    return anyio.from_thread.run(_call, here.request, method, path, content)


async def _call(request: Request, method: str, path: str, content: dict[str, Any] | None) -> Any:
    headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=_airflow(), raise_app_exceptions=False),
        base_url=str(request.base_url.replace(path="")),
        timeout=TIMEOUT_SECONDS,
    ) as client:
        answer = await client.request(method, path, json=content, headers=headers)
    if answer.is_success:
        return answer.json()
    raise AirflowRefused(
        f"Airflow says: {_said(answer)} (HTTP {answer.status_code})", status=answer.status_code
    )


def _airflow() -> Any:
    """Return the app that serves this request."""
    # Later: this module is a part of what that one loads.
    from airflow.api_fastapi.main import app

    return app


def _said(answer: httpx.Response) -> str:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
    return detail if isinstance(detail, str) else str(detail)
