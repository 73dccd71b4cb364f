"""What the far side answered to a test, for people."""

from doclife.cli.output import Output, printable
from doclife.delivery.outcome import Attempt, Outcome


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
