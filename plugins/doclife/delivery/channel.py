"""The interface between the queue and the ways out: messages in, one attempt for each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Protocol

from msgspec import Struct

from doclife.delivery.outcome import Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where webhook calls of one receiver go."""

    id: int
    name: str
    url: str | None
    """None when nobody has said where it is yet: its messages wait."""
    secrets: tuple[str, ...] = field(repr=False)
    """``whsec_...``, newest first; two while they are rotated; without one nothing is sent."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every call. Never shown: those of its Connection carry secrets."""
    timeout: timedelta = timedelta(seconds=30)
    """For a whole call. Standard Webhooks 1.0 asks for 15 to 30 seconds."""
    max_concurrency: int = 8
    max_per_second: float | None = None


class Message(Struct, frozen=True, kw_only=True, dict=True):
    """One job on its way out."""

    job_id: int
    kind: str
    """``email``, ``webhook`` or ``slack``: which channel takes it."""
    stored: str
    """What was stored with the job, a JSON object: rendered and addressed (docs/channels.md)."""
    organization: str
    """Its short name."""
    endpoint: Endpoint | None
    attempt: int
    """1 the first time."""
    timeout: timedelta
    """For this attempt as a whole."""

    @cached_property
    def payload(self) -> Mapping[str, Any]:
        """What was stored, read once and only if somebody asks."""
        found: dict[str, Any] = json.loads(self.stored)
        return found


class Channel(Protocol):
    """One way out."""

    async def deliver(self, messages: Sequence[Message]) -> Sequence[Attempt]:
        """Try each message once; return what became of each, in the same order.

        Never raises for one message's fault, and waits for nothing longer than each message's
        time-out. A channel keeps no transaction and knows no database. Messages of one call run
        side by side as far as the far side can bear.
        """
        ...
