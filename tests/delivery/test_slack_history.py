"""A message whose answer got lost is looked for in its channel before it is posted again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from doclife.delivery.exchange import open_client
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.slack import SlackChannel, SlackRoute
from tests.delivery.far_side import LOOPBACK, NOW, serving
from tests.delivery.test_slack import TOKEN, message

LEGAL = "C0123456789"


@dataclass
class Workspace:
    """Keeps what is posted to #legal, as Slack does; loses the answers to some."""

    loses: set[int] = field(default_factory=set)
    """Which postings are kept, but never answered: 1 the first."""
    history_says: dict[str, Any] | None = None
    """Instead of the history."""
    history_status: int = 200
    noise: int = 0
    """So many messages of others come after each of ours."""
    posted: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer the two methods that a bot needs."""
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        if request.path.endswith("/chat.postMessage"):
            self.posted.append(await request.json())
            if len(self.posted) in self.loses:
                assert request.transport is not None
                request.transport.abort()
            return web.json_response({"ok": True, "channel": LEGAL, "ts": "1.2"})
        assert request.path.endswith("/conversations.history")
        asked = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(asked)
        if self.history_says is not None:
            return web.json_response(self.history_says, status=self.history_status)
        if asked["channel"] != LEGAL:
            return web.json_response({"ok": False, "error": "channel_not_found"})
        return web.json_response(self._history(asked))

    def _history(self, asked: dict[str, str]) -> dict[str, Any]:
        assert asked["include_all_metadata"] == "true"
        assert float(asked["oldest"]) == (NOW - timedelta(days=1)).timestamp()
        newest_first: list[dict[str, Any]] = []
        for posted in self.posted:
            ours = {"text": posted["text"], "metadata": posted["metadata"]}
            newest_first = [{"text": "Hello"}] * self.noise + [ours] + newest_first
        begin, size = int(asked.get("cursor") or 0), int(asked["limit"])
        following = begin + size if begin + size < len(newest_first) else ""
        return {
            "ok": True,
            "messages": newest_first[begin : begin + size],
            "response_metadata": {"next_cursor": str(following)},
        }


def attempts(
    workspace: Workspace, *, channel: str = LEGAL, first: int = 1, before: str | None = None
) -> list[Attempt]:
    """Post one message twice, as the queue does after an outcome that says nothing.

    :param before: a channel that another message goes to first.
    """

    async def scenario() -> list[Attempt]:
        async with serving(workspace.answer) as side, open_client(LOOPBACK) as client:
            route = SlackRoute(token=TOKEN, base_url=side.url("/api/"))
            slack = SlackChannel(client, routes=lambda *_: route, clock=lambda: NOW)
            if before is not None:
                await slack.deliver([message(1, before)])
            tries = [replace(message(7, channel), attempt=first + number) for number in (0, 1)]
            return [(await slack.deliver([each]))[0] for each in tries]

    return asyncio.run(scenario())


def times(workspace: Workspace, job_id: int = 7) -> int:
    """How often a job's message is in the channel."""
    wanted = f"doclife-{job_id}"
    return [
        posted["metadata"]["event_payload"]["delivery_id"] for posted in workspace.posted
    ].count(wanted)


def test_what_is_there_is_not_posted_again() -> None:
    workspace = Workspace(loses={1})

    lost, found = attempts(workspace)

    assert lost.outcome is Outcome.UNKNOWN
    assert found.outcome is Outcome.SENT
    assert "in the channel already" in (found.error or "")
    assert times(workspace) == 1


def test_it_is_found_behind_what_others_wrote_since() -> None:
    workspace = Workspace(loses={1}, noise=100)

    assert attempts(workspace)[1].outcome is Outcome.SENT
    assert times(workspace) == 1
    assert len(workspace.asked) == 7


def test_what_is_not_there_is_posted_without_a_doubt() -> None:
    workspace = Workspace()

    _, sent = attempts(workspace, first=2)

    # The first of them looked, found nothing and posted; the second found that.
    assert times(workspace) == 1
    assert sent.outcome is Outcome.SENT
    assert workspace.posted[0]["metadata"]["event_payload"] == {"delivery_id": "doclife-7"}


def test_a_first_attempt_asks_nothing() -> None:
    workspace = Workspace()

    async def once() -> None:
        async with serving(workspace.answer) as side, open_client(LOOPBACK) as client:
            route = SlackRoute(token=TOKEN, base_url=side.url("/api/"))
            slack = SlackChannel(client, routes=lambda *_: route, clock=lambda: NOW)
            await slack.deliver([message(7, LEGAL)])

    asyncio.run(once())
    assert workspace.asked == []


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ({"ok": False, "error": "missing_scope"}, "the bot needs channels:history"),
        ({"ok": False, "error": "not_in_channel"}, "not_in_channel"),
        ({"hm": 1}, "what cannot be read"),
    ],
)
def test_without_the_right_to_look_it_is_posted_again_and_that_is_said(
    says: dict[str, Any], told: str
) -> None:
    workspace = Workspace(loses={1}, history_says=says)

    _, again = attempts(workspace)

    assert again.outcome is Outcome.SENT
    assert told in (again.error or "")
    assert times(workspace) == 2


@pytest.mark.parametrize(
    ("status", "says"), [(200, {"ok": False, "error": "ratelimited"}), (503, {}), (429, {})]
)
def test_while_slack_cannot_be_asked_nothing_is_posted(status: int, says: dict[str, Any]) -> None:
    workspace = Workspace(loses={1}, history_says=says, history_status=status)

    _, waits = attempts(workspace)

    assert waits.outcome is Outcome.RETRY
    assert "could not be asked" in (waits.error or "")
    assert times(workspace) == 1


def test_by_a_name_alone_nothing_can_be_looked_up_until_slack_has_told_its_id() -> None:
    by_name = Workspace(loses={1})
    _, again = attempts(by_name, channel="#legal")
    assert "Slack finds no history by a name" in (again.error or "")
    assert times(by_name) == 2

    learned = Workspace(loses={2})
    _, found = attempts(learned, channel="#legal", before="#legal")
    assert found.outcome is Outcome.SENT
    assert times(learned) == 1


def test_a_channel_in_which_too_much_was_written_is_not_searched_for_ever() -> None:
    workspace = Workspace(loses={1}, noise=400)

    _, again = attempts(workspace)

    assert "not among the newest 300" in (again.error or "")
    assert len(workspace.asked) == 20
    assert times(workspace) == 2
