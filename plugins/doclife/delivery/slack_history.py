"""Whether a message is in its Slack channel already, although no answer to it ever came.

``chat.postMessage`` has no key against duplicates. But each message carries its job's id as
metadata, and a bot with the scope ``channels:history`` (``groups:history`` in private channels) can
read it back: docs.slack.dev, "conversations.history".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from msgspec.structs import replace

from doclife.delivery.classification import attempt_of
from doclife.delivery.exchange import Answer, GuardedClient, NoAnswer
from doclife.delivery.mail_transport import json_of
from doclife.delivery.outcome import ERROR_LENGTH, Attempt, Outcome

MESSAGES_A_CALL = 15
"""Few, because only the first 64 kB of an answer are read."""
MOST_CALLS = 20
WITHIN = timedelta(days=1)
TIMEOUT = timedelta(seconds=10)
TRANSIENT = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"}
    | {"request_timeout", "team_added_to_org"}
)
"""What Slack answers when the same may be taken later."""
_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{7,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a look into the history came to; without an attempt the message is to be sent."""

    attempt: Attempt | None = None
    """It is there, or Slack has to be asked again later."""
    doubt: str | None = None
    """Why nobody knows whether it is there; None when it is not."""


async def look_for(
    client: GuardedClient,
    *,
    base_url: str,
    token: str,
    channel: str,
    delivery_id: str,
    now: datetime,
    timeout: timedelta,
) -> Look:
    """Look for a message among the newest 300 of a channel, of the last day.

    :param channel: its id; Slack finds no history by a name.
    :param timeout: for all of it.
    """
    if not _CHANNEL_ID.fullmatch(channel):
        return Look(doubt=f"{channel} is a name, and Slack finds no history by a name")
    cursor, left = "", timeout
    for _call in range(MOST_CALLS):
        answer = await client.post(
            base_url.rstrip("/") + "/conversations.history",
            body=urlencode(
                {
                    "channel": channel,
                    "include_all_metadata": "true",
                    "limit": str(MESSAGES_A_CALL),
                    "oldest": f"{(now - WITHIN).timestamp():.6f}",
                    **({"cursor": cursor} if cursor else {}),
                }
            ).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": f"Bearer {token}",
            },
            timeout=min(left, TIMEOUT),
        )
        left -= timedelta(milliseconds=answer.latency_ms)
        said = json_of(answer) if isinstance(answer, Answer) else {}
        if said.get("ok") is not True:
            return _without_history(answer, said, now=now)
        if _has(said, delivery_id):
            there = replace(attempt_of(answer, now=now), disables_endpoint=False)
            return Look(
                attempt=replace(
                    there,
                    outcome=Outcome.SENT,
                    answer_head=None,
                    error="it was in the channel already: only the answer had been lost",
                )
            )
        cursor = _next(said)
        if not cursor:
            return Look()
        if left <= timedelta(0):
            return Look(doubt="its channel's history takes too long to read")
    return Look(doubt=f"it is not among the newest {MOST_CALLS * MESSAGES_A_CALL} messages")


def _has(said: Mapping[str, object], delivery_id: str) -> bool:
    messages = said.get("messages")
    for message in messages if isinstance(messages, list) else ():
        metadata = message.get("metadata") if isinstance(message, dict) else None
        payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
        if isinstance(payload, dict) and payload.get("delivery_id") == delivery_id:
            return True
    return False


def _next(said: Mapping[str, object]) -> str:
    found = said.get("response_metadata")
    cursor = found.get("next_cursor") if isinstance(found, dict) else None
    return cursor if isinstance(cursor, str) else ""


def _without_history(
    answer: Answer | NoAnswer, said: Mapping[str, object], *, now: datetime
) -> Look:
    """Tell what passes from what will be the same the next time."""
    error = str(said.get("error") or "")
    attempt = replace(attempt_of(answer, now=now), disables_endpoint=False)
    if error in TRANSIENT or (not error and attempt.outcome in (Outcome.RETRY, Outcome.UNKNOWN)):
        words = error or attempt.error or "no answer"
        # Nothing was sent, whatever became of the question.
        return Look(
            attempt=replace(
                attempt,
                outcome=Outcome.RETRY,
                error=f"whether it is there already could not be asked: {words}"[:ERROR_LENGTH],
            )
        )
    hint = ": the bot needs channels:history" if error == "missing_scope" else ""
    return Look(doubt=f"Slack answered {error or 'what cannot be read'}{hint}")
