"""The far side: HTTP servers on the loopback that behave as real ones do, well or badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web

from doclife.delivery.guard import Guard, read_networks

LOOPBACK = Guard(allowed=read_networks("127.0.0.0/8"), allows_http=True)
NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
QUICKLY = timedelta(seconds=30)
"""Usually the answer is there in milliseconds; tests may share their machine."""


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FarSide:
    """A server that keeps what it was sent."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)

    def url(self, path: str = "/hook") -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}{path}"


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[FarSide]:
    """Serve HTTP with one handler for every path."""
    side = FarSide()

    async def keep(request: web.Request) -> web.StreamResponse:
        # aiohttp reads a form once only, so that is left to the handler.
        is_form = request.content_type.startswith("multipart/")
        body = b"" if is_form else await request.read()
        side.calls.append(Call(request.path, dict(request.headers), body))
        return await handler(request)

    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{path:.*}", keep)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    side.port = runner.addresses[0][1]
    try:
        yield side
    finally:
        await runner.cleanup()


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(script: Script) -> AsyncIterator[FarSide]:
    """Listen on a bare socket: for what no HTTP server would do."""
    side = FarSide()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        side.calls.append(Call("", {}, b""))
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    side.port = server.sockets[0].getsockname()[1]
    try:
        yield side
    finally:
        # asyncio forgets a connection that it takes in while its server closes.
        await asyncio.sleep(0.01)
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answering(status: int, *, body: bytes = b"", headers: dict[str, str] | None = None) -> Handler:
    """Always answer the same."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return answer
