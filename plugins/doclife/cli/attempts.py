"""Tests that are sent, and what the far side answered, for people."""

import os

from doclife.cli.output import Output, printable
from doclife.cli.session import Session
from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.outcome import Attempt, Outcome
from doclife.lifecycle import trying
from doclife.lifecycle.trying import Trial


def try_out(s: Session, trial: Trial) -> Attempt:
    """Send a test, note it and return what the far side answered."""
    attempt = trying.send(
        trial, delivery=read_delivery_settings(os.environ), connections=s.connections()
    )
    trying.record(s.conn, trial, attempt, actor=s.actor)
    return attempt


def print_attempt(output: Output, what: str, attempt: Attempt) -> None:
    """Say whether it was taken, and what the far side said.

    :param what: what went where, as a sentence begins: ``Mail to olga@example.org``.
    """
    status = "no answer" if attempt.status_code is None else f"status {attempt.status_code}"
    if attempt.outcome is Outcome.SENT:
        output.say(f"{what} was taken: {status} after {attempt.latency_ms} ms.", style="green")
    else:
        output.say(f"{what}: {printable(attempt.error or status)}.", style="red")
    if attempt.answer_head:
        output.say(f"It said: {printable(attempt.answer_head[:200])}")
