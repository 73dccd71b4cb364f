"""Mails a second over SMTP, beside Postfix's own load generator to the same server.

    python -m benchmarks.mail [--rounds 3] [--programs FOLDER]

``smtp-sink`` takes the mail, ``smtp-source`` is the limit: it sends a ready text in C, over as many
connections as we use. Ours takes messages as they are stored with a job, builds each mail, and
reads what became of each recipient. Both programs come with Postfix (Debian: ``postfix``).
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from benchmarks.machine import machine_line
from doclife.delivery.channel import Message
from doclife.delivery.email import EmailChannel
from doclife.delivery.mail import Sender
from doclife.delivery.mail_service import MailService, Provider, Security
from doclife.delivery.outcome import Outcome
from doclife.delivery.smtp import SmtpTransport
from local.ports import free_port

MAILS, SIDE_BY_SIDE, GROUP = 4000, SmtpTransport.concurrency, 100
SIZE = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--programs", help="where smtp-sink and smtp-source are")
    arguments = parser.parse_args()
    print(machine_line())
    limit: list[float] = []
    ours: list[float] = []
    with sink(program("smtp-sink", arguments.programs)) as port:
        for _ in range(arguments.rounds):
            limit.append(MAILS / seconds_of(program("smtp-source", arguments.programs), port))
            ours.append(MAILS / asyncio.run(send(port)))
    ratio = statistics.median(ours) / statistics.median(limit)
    print(
        f"{MAILS:,} mails of 1 kB over {SIDE_BY_SIDE} connections: smtp-source "
        f"{statistics.median(limit):,.0f}/s, doclife {statistics.median(ours):,.0f}/s: {ratio:.2f} "
        "of the limit"
    )


def program(name: str, folder: str | None) -> str:
    found = shutil.which(name, path=folder or "/usr/sbin:/usr/bin:/usr/local/sbin")
    if found is None:
        raise SystemExit(f"{name} is missing, the limit of this benchmark: apt-get install postfix")
    return found


@contextmanager
def sink(command: str) -> Iterator[int]:
    port = free_port()
    # As root it insists on being told who to be.
    user = ["-u", "root"] if os.geteuid() == 0 else []
    process = subprocess.Popen([command, *user, f"127.0.0.1:{port}", "64"])
    try:
        time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait()


def seconds_of(command: str, port: int) -> float:
    """Time smtp-source; each connection carries as many mails as one of ours."""
    started = time.perf_counter()
    subprocess.run(
        [
            *(command, "-d", "-s", str(SIDE_BY_SIDE), "-m", str(MAILS), "-l", str(SIZE)),
            *("-f", "records@example.org", "-t", "a@example.org", f"inet:127.0.0.1:{port}"),
        ],
        check=True,
    )
    return time.perf_counter() - started


async def send(port: int) -> float:
    service = MailService(
        provider=Provider.SMTP,
        sender=Sender(address="records@example.org", name="Records"),
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
    )
    transport = SmtpTransport(service, clock=lambda: datetime.now(UTC))
    channel = EmailChannel(transport, sender=service.sender)
    groups = iter([messages(first) for first in range(0, MAILS, GROUP)])

    async def send_some() -> None:
        for group in groups:
            attempts = await channel.deliver(group)
            assert all(each.outcome is Outcome.SENT for each in attempts), attempts[0]

    started = time.perf_counter()
    await asyncio.gather(*(send_some() for _ in range(SIDE_BY_SIDE)))
    return time.perf_counter() - started


def messages(first: int) -> list[Message]:
    return [
        Message(
            job_id=first + i,
            kind="email",
            stored=json.dumps(
                {
                    "to": f"person-{first + i}@example.org",
                    "subject": "A document expires",
                    "text": "\n".join(["x" * 60] * 11),
                }
            ),
            organization="default",
            endpoint=None,
            attempt=1,
            timeout=timedelta(minutes=2),
        )
        for i in range(GROUP)
    ]


if __name__ == "__main__":
    main()
