"""Slack: a bot's chat.postMessage to any channel it is in, or an incoming webhook bound to one."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from doclife.connections import ServiceConnection
from doclife.delivery.channel import Message
from doclife.delivery.classification import attempt_of, not_tried, refused
from doclife.delivery.exchange import Answer, GuardedClient
from doclife.delivery.lane import Lane, LaneClosed
from doclife.delivery.mail_transport import json_of, stopped
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.plain_text import cut_for_slack
from doclife.delivery.slack_history import TRANSIENT, Look, look_for
from doclife.delivery.validators import check_slack_channel, check_slack_webhook_url
from doclife.errors import ConfigurationError

API_URL = "https://slack.com/api/"
WEBHOOKS_URL = "https://hooks.slack.com/services"
PER_SECOND = 1.0
"""Messages a second and channel (docs.slack.dev, "Rate limits"); short bursts are allowed too."""
UNTIL_SET_UP = timedelta(minutes=5)
MAX_TEXT = 3000
MAX_BLOCKS = 50
_CREDENTIALS = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
    | {"missing_scope", "no_permission", "org_login_required", "ekm_access_denied"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackRoute:
    """One way into a workspace, from an Airflow Connection of the Slack provider's types.

    :param token: a bot's (``xoxb-...``) with the scope ``chat:write``; or
    :param webhook_url: an incoming webhook, which writes to its own channel whatever a job says.
    :param channel: instead of the one that a job names.
    """

    token: str | None = field(default=None, repr=False)
    webhook_url: str | None = field(default=None, repr=False)
    channel: str | None = None
    base_url: str = API_URL


Routes = Callable[[Message], SlackRoute | None]
"""Finds the way of a message; None when no Slack is set up for it."""


def route_of(connection: ServiceConnection, *, channel: str | None = None) -> SlackRoute:
    """Return the way that a Connection of type ``slack`` or ``slackwebhook`` describes.

    A webhook's URL is the password, or its end is, behind the host. With a host of its own it may
    be a server that understands Slack's messages, such as Mattermost.

    :raises ConfigurationError: it is of another type, or has no token or URL.
    """
    secret = connection.password or ""
    if connection.type == "slack" and secret:
        return SlackRoute(
            token=secret, channel=channel, base_url=connection.text("base_url") or API_URL
        )
    if connection.type != "slackwebhook" or not secret:
        raise ConfigurationError(
            f"Airflow Connection {connection.id!r} is no Slack: use type slack with a bot's token "
            "as password, or slackwebhook with the webhook's URL as password"
        )
    address = secret
    if "://" not in secret:
        host = (connection.host or WEBHOOKS_URL).rstrip("/")
        address = f"{host if '://' in host else f'https://{host}'}/{secret.lstrip('/')}"
    if not connection.host:
        address = check_slack_webhook_url(address)
    return SlackRoute(webhook_url=address, channel=channel)


class SlackChannel:
    """Posts messages, one a second and channel as Slack asks.

    Slack has no key against duplicates: the job's id goes along as metadata, and before a bot posts
    a message again the channel's history is asked for it.
    """

    def __init__(
        self,
        client: GuardedClient,
        *,
        routes: Routes,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._routes = routes
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._ids: dict[tuple[str, str], str] = {}
        """Of channels by token and name, as Slack told them with its answers."""

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Post each message once."""
        return await asyncio.gather(*(self._deliver(message) for message in messages))

    async def _deliver(self, message: Message) -> Attempt:
        wanted = str(message.payload.get("channel") or "")
        try:
            route = self._routes(message)
        except ConfigurationError as error:
            return not_tried(str(error), retry_after=UNTIL_SET_UP, stops_channel=True)
        if route is None:
            return not_tried(
                "no Slack is configured: add the Airflow Connection doclife_slack",
                retry_after=UNTIL_SET_UP,
                stops_channel=True,
            )
        try:
            body = body_of(message, channel=route.channel or wanted, is_api=route.token is not None)
        except ConfigurationError as error:
            return refused(str(error))
        lane = self._lanes.setdefault(
            route.webhook_url or f"{message.organization}:{route.channel or wanted}",
            Lane(max_concurrency=1, max_per_second=PER_SECOND),
        )
        try:
            async with lane:
                look = await self._look(message, route, body)
                if look.attempt is not None:
                    return look.attempt
                attempt, has_answered = await self._post(route, body, timeout=message.timeout)
                lane.note(attempt.outcome, has_answered=has_answered)
                return _with_doubt(attempt, look)
        except LaneClosed as closed:
            return not_tried(f"Slack {wanted}: {closed}", retry_after=closed.retry_after)

    async def _look(self, message: Message, route: SlackRoute, body: Mapping[str, Any]) -> Look:
        """Look whether an earlier attempt arrived; the first one has none before it."""
        if message.attempt == 1 or route.token is None:
            return Look()
        channel = str(body["channel"])
        return await look_for(
            self._client,
            base_url=route.base_url,
            token=route.token,
            channel=self._ids.get((route.token, channel), channel),
            delivery_id=_delivery_id(message),
            now=self._clock(),
            timeout=message.timeout,
        )

    async def _post(
        self, route: SlackRoute, body: Mapping[str, Any], *, timeout: timedelta
    ) -> tuple[Attempt, bool]:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        url = route.webhook_url
        if url is None:
            url = route.base_url.rstrip("/") + "/chat.postMessage"
            headers["Authorization"] = f"Bearer {route.token}"
        answer = await self._client.post(
            url,
            body=json.dumps(body, ensure_ascii=False).encode(),
            headers=headers,
            timeout=timeout,
        )
        attempt = replace(attempt_of(answer, now=self._clock()), disables_endpoint=False)
        if not isinstance(answer, Answer):
            return attempt, False
        if route.token is None:
            return _judged_webhook(attempt), True
        if isinstance(channel_id := json_of(answer).get("channel"), str):
            self._ids[route.token, str(body["channel"])] = channel_id
        return _judged_api(attempt, answer), True


def body_of(message: Message, *, channel: str, is_api: bool) -> dict[str, Any]:
    """Return what Slack gets: the stored blocks, the text for where blocks are not shown.

    :raises ConfigurationError: no text, no channel that could be one, too many blocks.
    """
    payload = message.payload
    text, blocks = payload.get("text"), payload.get("blocks") or []
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError("'text' is missing: it is what a notification shows")
    if not isinstance(blocks, list) or len(blocks) > MAX_BLOCKS:
        raise ConfigurationError(f"'blocks' is a list of at most {MAX_BLOCKS} blocks")
    body: dict[str, Any] = {
        "text": cut_for_slack(text, length=MAX_TEXT),
        # Slack would fetch and show what a link in somebody's title leads to.
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if blocks:
        body["blocks"] = blocks
    if is_api:
        body["channel"] = check_slack_channel(channel)
        body["metadata"] = {
            "event_type": "doclife_delivery",
            "event_payload": {"delivery_id": _delivery_id(message)},
        }
    return body


def _delivery_id(message: Message) -> str:
    return f"doclife-{message.job_id}"


def _with_doubt(attempt: Attempt, look: Look) -> Attempt:
    """Note that a message may be there twice now."""
    if look.doubt is None or attempt.outcome is not Outcome.SENT:
        return attempt
    return replace(
        attempt,
        error=f"sent again; whether an earlier attempt arrived is not known: {look.doubt}",
    )


def _judged_api(attempt: Attempt, answer: Answer) -> Attempt:
    """Read the answer of the Web API, which says that it failed with status 200."""
    said = json_of(answer)
    error = str(said.get("error", ""))
    if attempt.outcome is not Outcome.SENT and not error:
        return attempt
    if said.get("ok") is True:
        return attempt
    text = f"Slack answered {error or 'without ok'}"
    if error in _CREDENTIALS:
        return stopped(attempt, f"{text}: check the token of its Airflow Connection")
    if error in TRANSIENT or not error:
        return replace(attempt, outcome=Outcome.RETRY, error=text)
    return replace(attempt, outcome=Outcome.DEAD, error=text)


def _judged_webhook(attempt: Attempt) -> Attempt:
    """Read the answer of an incoming webhook, whose body says what a status does not."""
    if attempt.outcome is Outcome.DEAD:
        return replace(attempt, error=f"Slack answered {attempt.status_code} {attempt.answer_head}")
    return attempt
