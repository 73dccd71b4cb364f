"""Listens until it is ended; catcher.json says where, as soon as it does.

    python -m local.catcher

On the ports that ports.json remembers, if they are free, else on others.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Mapping

from aiohttp import web
from aiosmtpd.smtp import SMTP

from doclife.connections import from_environment
from local.catcher.caught import CaughtFolder
from local.catcher.page import Page
from local.catcher.receiver import Receiver, Secrets
from local.catcher.smtp import Mailbox
from local.deliveries import CATCHER, CAUGHT, HOOK, HOOK_CONNECTION, PORTS, Service, page_key
from local.ports import LOOPBACK, own_loopback
from local.state import State

BACKLOG = 100


async def serve(state: State, *, secrets: Secrets) -> None:
    """Take and show deliveries until SIGTERM or SIGINT."""
    folder = CaughtFolder(state.folder / CAUGHT)
    remembered = state.read(PORTS) or {}
    # Webhooks may call one address of this machine that no other server listens on.
    hooks = own_loopback()
    sockets = {
        Service.MAIL: _listen(LOOPBACK, remembered.get(Service.MAIL)),
        Service.RECEIVER: _listen(hooks, remembered.get(Service.RECEIVER)),
        Service.PAGE: _listen(LOOPBACK, remembered.get(Service.PAGE)),
    }
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    mailbox = Mailbox(folder)
    smtp = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", enable_SMTPUTF8=True, loop=loop),
        sock=sockets[Service.MAIL],
    )
    runners = [
        await _serve_http(Receiver(folder, secrets=secrets).app, sockets[Service.RECEIVER]),
        await _serve_http(Page(folder, key=page_key(state)).app, sockets[Service.PAGE]),
    ]
    state.write(CATCHER, {name: _port_of(one) for name, one in sockets.items()})
    await ended.wait()
    smtp.close()
    for runner in runners:
        await runner.cleanup()


async def _serve_http(app: web.Application, listening: socket.socket) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner


def _listen(address: str, remembered: int | None) -> socket.socket:
    """Listen on the remembered port, or on any other when that is taken."""
    try:
        return socket.create_server((address, remembered or 0), backlog=BACKLOG)
    except OSError:
        return socket.create_server((address, 0), backlog=BACKLOG)


def _port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def known_secrets(environment: Mapping[str, str]) -> Secrets:
    """Return the signing secrets that the samples' endpoint may use, the old one included."""
    connection = from_environment(environment)(HOOK_CONNECTION)
    if connection is None:
        return {}
    some = (connection.password, connection.text("previous_secret"))
    return {HOOK: [secret for secret in some if secret]}


if __name__ == "__main__":
    asyncio.run(serve(State(), secrets=known_secrets(os.environ)))
