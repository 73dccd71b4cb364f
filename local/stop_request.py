"""Stopping on request, at points where stopping leaves nothing behind."""

from __future__ import annotations

import signal
import time
from types import FrameType


class StopRequestedError(Exception):
    """Ctrl-C, SIGTERM or SIGHUP came."""


class StopRequest:
    """Remembers that a signal came, and raises at the next pause.

    A handler that raises could do so between starting a process and recording it. So the handler
    only takes a note, and everything that waits does it with ``pause``.
    """

    def __init__(self) -> None:
        self._came = False

    def listen(self) -> None:
        """Take notes of signals from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup SIGHUP is ignored on purpose.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def ignore(self) -> None:
        """Let no further signal disturb the cleaning up."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def pause(self, seconds: float) -> None:
        """Sleep; raise StopRequestedError as soon as somebody wants us to stop."""
        ends_at = time.monotonic() + seconds
        while not self._came and (left := ends_at - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
        if self._came:
            raise StopRequestedError

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._came = True
