"""What messages go to: a web server whose endpoints can be dead, and a server that takes mail."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from local.ports import free_port


class FarSide:
    """Counts what it takes.

    :ivar dead: names of endpoints that answer 503, as a gateway does whose server is away.
    """

    def __init__(self) -> None:
        self.dead: set[str] = set()
        self.took: Counter[str] = Counter()
        """Calls by ``webhook-id``; more than one where a process was killed in between."""
        self.mails = 0
        self.hooks_url = ""
        self.mail_port = free_port()

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds a hook by its name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        self.mails += len(envelope.rcpt_tos)
        return "250 2.0.0 Taken"


@contextmanager
def far_side() -> Iterator[FarSide]:
    """Serve on this machine's loopback until the end of the block."""
    side = FarSide()

    class Hook(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            is_dead = self.path.strip("/") in side.dead
            if not is_dead:
                side.took[self.headers["webhook-id"]] += 1
            self.send_response(503 if is_dead else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    hooks = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    side.hooks_url = f"http://127.0.0.1:{hooks.server_port}"
    serving = threading.Thread(target=hooks.serve_forever, daemon=True)
    serving.start()
    mail = Controller(side, hostname="127.0.0.1", port=side.mail_port, server_hostname="localhost")
    mail.start()
    try:
        yield side
    finally:
        mail.stop()
        hooks.shutdown()
        serving.join()
        hooks.server_close()
