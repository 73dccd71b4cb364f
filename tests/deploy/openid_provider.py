"""An OpenID provider as small as one can be: whoever asks is logged in at once, as who we say."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "doclife", "only-for-tests"


class OpenIdProvider:
    """Keycloak's part of a login: discovery, authorization, token with PKCE, user info."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.person: dict[str, object] = {}
        """Who is logged in next: ``preferred_username``, ``groups`` and so on."""
        self.refused: list[str] = []
        self._key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self._asked: dict[str, str] = {}

    def answer(self, path: str, query: dict[str, str]) -> dict[str, object]:
        """Return what a GET of metadata or keys is answered with."""
        if path == "/.well-known/openid-configuration":
            places = {
                "authorization_endpoint": "authorize",
                "token_endpoint": "token",
                "userinfo_endpoint": "userinfo",
                "jwks_uri": "keys",
            }
            return {"issuer": self.issuer} | {
                name: f"{self.issuer}/{place}" for name, place in places.items()
            }
        if path == "/keys":
            return {"keys": [self._key.as_dict(private=False)]}
        return {"sub": str(self.person["preferred_username"]), **self.person}

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        if query.get("client_id") != CLIENT or not query.get("code_challenge"):
            self.refused.append("authorize")
        self._asked["code"] = query.get("nonce", "")
        back = urlencode({"code": "code", "state": query["state"]})
        return f"{query['redirect_uri']}?{back}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, object]:
        """Return tokens for a code."""
        if not form.get("code_verifier") or not authorization.startswith("Basic "):
            self.refused.append("token")
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": str(self.person["preferred_username"]),
            "iat": now,
            "exp": now + 300,
            "nonce": self._asked.pop("code"),
        }
        return {
            "access_token": "access",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key),
        }


@contextmanager
def providing() -> Iterator[OpenIdProvider]:
    """Run a provider on a free port of loopback until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(where.query).items()}
            if where.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._send(provider.answer(where.path, query))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(provider.token(form, self.headers.get("Authorization", "")))

        def _send(self, content: dict[str, object]) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = OpenIdProvider(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
