"""How often Python looks for garbage in cycles while thousands of jobs a second go by."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 20_000
"""So many new objects before it looks. Its default, 700, is less than a batch of jobs has: it would
look at the same jobs again and again, which was a fifth of our process's part of an empty job."""

_turn = threading.Lock()
_before: list[tuple[int, int, int]] = []
"""What held before the first of those that drain now in this process; one each."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look every YOUNG_OBJECTS new objects, for this long; then as before.

    The threshold is the process's: of several at once the last one to end puts it back.
    """
    with _turn:
        _before.append(_before[0] if _before else gc.get_threshold())
        young, *older = _before[0]
        # 0: somebody has switched it off.
        gc.set_threshold(young and max(young, YOUNG_OBJECTS), *older)
    try:
        yield
    finally:
        with _turn:
            before = _before.pop()
            if not _before:
                gc.set_threshold(*before)
