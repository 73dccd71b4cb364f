"""A system that is told by webhook, played by what catches deliveries on this machine."""

from __future__ import annotations

import json

from local.deliveries import HOOK_CONNECTION
from local.ports import own_loopback
from tests.e2e.stack import Stack


class FarSystem:
    """Endpoint ``name`` of the organization ``default``; what it got is read from the disk."""

    def __init__(self, stack: Stack, *, name: str) -> None:
        self._stack = stack
        self._name = name
        port = stack.home.read("catcher.json")["receiver"]
        stack.doclife(
            *("endpoints", "add", name, f"http://{own_loopback()}:{port}/hooks/{name}"),
            *("--connection", HOOK_CONNECTION),
        )

    def call(self, number: int) -> None:
        """Queue a call with a number in it, as an application does."""
        data = {"number": f"no-{number}-"}
        payload = {"endpoint": self._name, "type": "invoice.paid", "data": data}
        self._stack.rows("SELECT enqueue_job('webhook', %s::jsonb)", json.dumps(payload))

    def has(self, *numbers: int) -> bool:
        """Return whether the calls with these numbers have come."""
        caught = self._stack.home.folder / ".local" / "caught"
        texts = [file.read_text() for file in caught.glob("*-webhook-*.json")]
        return all(any(f"no-{number}-" in text for text in texts) for number in numbers)
