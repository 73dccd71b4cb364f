"""People at their browsers, as far as a server sees them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from fastapi.testclient import TestClient
from httpx import Response

from doclife.dashboard.access import Person
from doclife.dashboard.gate import make_token

ORIGIN = "http://testserver"
SAME_ORIGIN = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


class Browser:
    """One person's browser: paths are below ``/doclife``; redirects are not followed."""

    def __init__(self, client: TestClient, *, user: BaseUser | None) -> None:
        self.client = client
        self.user = user
        self.cookies = {} if user is None else {"_token": get_auth_manager().generate_jwt(user)}

    def request(self, method: str, path: str, **options: Any) -> Response:
        """Send exactly this, with the login's cookie."""
        self.client.cookies.clear()
        for name, value in self.cookies.items():
            self.client.cookies.set(name, value)
        answer = self.client.request(method, f"/doclife{path}", follow_redirects=False, **options)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        return answer

    def get(self, path: str, **options: Any) -> Response:
        """Open a page."""
        return self.request("GET", path, **options)

    def text(self, path: str, **options: Any) -> str:
        """Open a page that must be there, and return its words without the tags."""
        answer = self.get(path, **options)
        assert answer.status_code == 200, (answer.status_code, words(answer.text))
        return words(answer.text)

    def post(self, path: str, **fields: Any) -> Response:
        """Send a form as a page's own would be."""
        return self.request(
            "POST", path, data={"form_token": self.form_token, **fields}, headers=SAME_ORIGIN
        )

    def follow(self, answer: Response) -> str:
        """Go where a write sends the browser, and return the words there."""
        assert answer.status_code == 303, (answer.status_code, words(answer.text))
        return self.text(answer.headers["location"].removeprefix("/doclife"))

    def api(self, method: str, path: str, json: Any = None, **headers: str) -> Response:
        """Call the JSON API as a page's script would: cookie, token, same origin."""
        return self.request(
            method,
            f"/api/v1{path}",
            json=json,
            headers={**SAME_ORIGIN, "X-Doclife-Token": self.form_token, **headers},
        )

    @property
    def form_token(self) -> str:
        """What the pages put into this person's forms."""
        if self.user is None:
            return "none"
        return make_token(Person(name=self.user.get_name(), airflow_user=self.user))


def words(html: str) -> str:
    """Return what stands on a page, without tags and with single spaces."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
