"""The one error of this package."""


class LocalError(Exception):
    """Nothing can go on; the message is for the person at the terminal.

    It says what is wrong, where, and what to type. ``./run`` prints it without a traceback and
    ends with exit code 1.
    """
