"""Ends a piece of work with kill -9 before its n-th system call, for every n."""

import os
import signal
from collections.abc import Callable

CALLS = ("open", "write", "fsync", "unlink", "rmdir", "mkdir", "link", "replace", "rename")


def killed_before_call(number: int, work: Callable[[], object]) -> bool:
    """Run ``work`` in a child that dies before that call; False when it ended before."""
    child = os.fork()
    if child == 0:
        _die_before_call(number)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return False


def _die_before_call(number: int) -> None:
    """Count the calls that open or change files; nothing has to be undone in a child."""
    calls = iter(range(1, number + 1))
    for name in CALLS:
        setattr(os, name, _dying(getattr(os, name), calls, number))


def _dying(call: Callable[..., object], calls: object, last: int) -> Callable[..., object]:
    def counted(*arguments: object, **options: object) -> object:
        if next(calls, last) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)

    return counted
