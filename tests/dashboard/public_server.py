"""The dashboard's app on a real socket, asked by somebody without a login."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import uvicorn
from airflow.api_fastapi.app import lifespan
from fastapi import FastAPI

from doclife.connections import ServiceConnection
from doclife.dashboard.app import PREFIX, make_app
from doclife.dashboard.public.configuration import PublicConfiguration, public_configuration
from doclife.delivery.links import Links, read_links

KEY = "k" * 43
LONG = 30.0


@dataclass
class PublicServer:
    """Where it listens, with settings that a test may change meanwhile."""

    now: datetime
    ticks: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)
    connections: dict[str, ServiceConnection] = field(default_factory=dict)
    url: str = ""
    configuration: PublicConfiguration = field(init=False)

    def __post_init__(self) -> None:
        """Switch the public pages on."""
        self.environment["DOCLIFE_PUBLIC_URL"] = "https://documents.example.com"
        self.connections["doclife_links"] = ServiceConnection(
            id="doclife_links", type="generic", password=KEY
        )
        self.configuration = PublicConfiguration(
            environment=lambda: dict(self.environment),
            connections=self.connections.get,
            present=lambda: self.now,
            ticks=lambda: self.ticks,
        )

    @property
    def links(self) -> Links:
        """What messages lead to."""
        return read_links(self.environment, connections=self.connections.get)

    def here(self, url: str) -> str:
        """Return where a link of a message is found on this machine."""
        return url.replace("https://documents.example.com", self.url)

    def get(self, url: str, **headers: str) -> httpx.Response:
        """Follow a link."""
        return httpx.get(self.here(url), headers=headers, timeout=LONG)

    def post(
        self, url: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Press the button, or call as a program does."""
        return httpx.post(self.here(url), content=body, headers=headers, timeout=LONG)


@contextmanager
def serving(database: str, *, now: datetime) -> Iterator[PublicServer]:
    """Serve the app of the dashboard as Airflow mounts it, on a free port of the loopback."""
    server = PublicServer(now=now)
    app = make_app(database=lambda: database, is_public_on=server.configuration.is_on)
    app.dependency_overrides[public_configuration] = lambda: server.configuration
    host = FastAPI(lifespan=lifespan)  # Airflow's: it begins and ends the apps of plugins
    host.mount(PREFIX, app)
    runner = uvicorn.Server(
        uvicorn.Config(host, host="127.0.0.1", port=0, log_config=None, lifespan="on")
    )
    thread = threading.Thread(target=runner.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + LONG
        while not runner.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        assert runner.started, "the server did not start"
        port = runner.servers[0].sockets[0].getsockname()[1]
        server.url = f"http://127.0.0.1:{port}"
        yield server
    finally:
        runner.should_exit = True
        thread.join(LONG)
