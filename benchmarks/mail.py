"""Mails a second over SMTP, beside Postfix's own load generator to the same server.

``smtp-sink`` takes the mail, ``smtp-source`` is the limit: it sends a ready text in C, over as many
connections as we use. Ours takes messages as they are stored with a job, builds each mail, and
reads what became of each recipient. Both programs come with Postfix.
"""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.benchmark import Benchmark, find_program, program, run
from benchmarks.machine import seconds
from benchmarks.results import Quantity, Row
from doclife.delivery.channel import Message
from doclife.delivery.email import EmailChannel
from doclife.delivery.mail import Sender
from doclife.delivery.mail_service import MailService, Provider, Security
from doclife.delivery.outcome import Outcome
from doclife.delivery.smtp import SmtpTransport
from local.ports import free_port

SIDE_BY_SIDE, GROUP = SmtpTransport.concurrency, 100
SIZE = 1024


@dataclass(frozen=True, kw_only=True)
class Sizes:
    rounds: int = 3
    mails: int = 4000


def measure(sizes: Sizes) -> Iterator[Row]:
    limit: list[float] = []
    ours: list[float] = []
    with sink() as port:
        for _ in range(sizes.rounds):
            limit.append(sizes.mails / seconds(lambda: send_ready(port, sizes.mails)))
            ours.append(sizes.mails / asyncio.run(send(port, sizes.mails)))
    yield Row.of_rounds(
        what=f"{sizes.mails:,} mails of 1 kB over SMTP, built, sent and accounted for one by one, "
        f"{SIDE_BY_SIDE} connections",
        peer="`smtp-source` to the same `smtp-sink`",
        of=Quantity.RATE,
        ours=ours,
        theirs=limit,
        unit="mails/s",
    )


@contextmanager
def sink() -> Iterator[int]:
    port, command = free_port(), find_program("smtp-sink")
    assert command is not None
    # As root it insists on being told who to be.
    user = ["-u", "root"] if os.geteuid() == 0 else []
    process = subprocess.Popen([command, *user, f"127.0.0.1:{port}", "64"])
    try:
        time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait()


def send_ready(port: int, mails: int) -> None:
    """Let smtp-source send; each connection carries as many mails as one of ours."""
    command = find_program("smtp-source")
    assert command is not None
    subprocess.run(
        [
            *(command, "-d", "-s", str(SIDE_BY_SIDE), "-m", str(mails), "-l", str(SIZE)),
            *("-f", "records@example.org", "-t", "a@example.org", f"inet:127.0.0.1:{port}"),
        ],
        check=True,
    )


async def send(port: int, mails: int) -> float:
    service = MailService(
        provider=Provider.SMTP,
        sender=Sender(address="records@example.org", name="Records"),
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
    )
    transport = SmtpTransport(service, clock=lambda: datetime.now(UTC))
    channel = EmailChannel(transport, sender=service.sender)
    groups = iter([messages(first) for first in range(0, mails, GROUP)])

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


WHY = "takes the mails and sets the limit"
BENCHMARK = Benchmark(
    measure=measure,
    sizes=Sizes(),
    quick=Sizes(rounds=1, mails=400),
    needs=tuple(program(name, why=WHY, package="postfix") for name in ("smtp-sink", "smtp-source")),
)

if __name__ == "__main__":
    run(BENCHMARK, "mail")
