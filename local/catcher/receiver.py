"""Stands in for Slack and for the receivers of webhooks: takes calls and answers as they would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local.catcher.caught import CaughtFolder, Kind

MAX_BODY = 2_000_000
SECRET_HEADERS = frozenset({"authorization", "cookie"})

Secrets = Mapping[str, Sequence[str]]
"""Signing secrets by the name of the endpoint that they belong to."""


class Receiver:
    """The calls that it takes; ``app`` serves them.

    ==========================  ===========================================================
    /slack/api/METHOD           Slack's Web API, as for a bot
    /slack/webhook              an incoming webhook of Slack
    /hooks/NAME                 a receiver of webhooks; where the secret is known, only calls
                                that it verifies
    ==========================  ===========================================================
    """

    def __init__(self, folder: CaughtFolder, *, secrets: Secrets) -> None:
        self._folder = folder
        self._secrets = secrets
        self.app = web.Application(client_max_size=MAX_BODY)
        self.app.router.add_post("/slack/api/{method}", self._slack_api)
        self.app.router.add_post("/slack/webhook", self._slack_webhook)
        self.app.router.add_post("/hooks/{name}", self._webhook)

    async def _slack_api(self, request: web.Request) -> web.Response:
        if request.match_info["method"] != "chat.postMessage":
            return web.json_response({"ok": False, "error": "unknown_method"})
        at = await self._keep(request, Kind.SLACK)
        return web.json_response({"ok": True, "channel": "C0LOCAL", "ts": f"{at.timestamp():.6f}"})

    async def _slack_webhook(self, request: web.Request) -> web.Response:
        await self._keep(request, Kind.SLACK)
        return web.Response(text="ok")

    async def _webhook(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        signature = verify(
            name, await request.read(), headers=request.headers, secrets=self._secrets
        )
        await self._keep(request, Kind.WEBHOOK, endpoint=name, signature=signature)
        if signature.startswith("wrong"):
            return web.Response(status=401, text=signature)
        return web.Response(status=204)

    async def _keep(self, request: web.Request, kind: Kind, **more: str) -> datetime:
        received_at = datetime.now(UTC)
        body = (await request.read()).decode("utf-8", "replace")
        # Credentials are not for a file, nor for a page.
        headers = [
            (name, "..." if name.lower() in SECRET_HEADERS else value)
            for name, value in request.headers.items()
        ]
        content = {"path": request.path, **more, "headers": headers, "body": body}
        self._folder.add_call(kind, content, received_at=received_at)
        return received_at


def verify(name: str, body: bytes, *, headers: Mapping[str, str], secrets: Secrets) -> str:
    """Return in words what Standard Webhooks' reference receiver says of a call's signature.

    It begins with ``verified``, ``wrong`` or ``unknown``: whether its secret is known here. A
    secret may serve several endpoints.
    """
    faults = []
    for owner, some in sorted(secrets.items(), key=lambda known: known[0] != name):
        for secret in some:
            try:
                Webhook(secret).verify(body, dict(headers), json_parse=False)
            except (WebhookVerificationError, ValueError) as error:
                faults.append(str(error))
            else:
                return "verified" if owner == name else f"verified with the secret of {owner}"
    if name in secrets:
        return f"wrong: {faults[0]}"
    return "unknown: the secret of this endpoint is not known here"
