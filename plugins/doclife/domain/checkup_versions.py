"""Whether the programs that doclife stands on are of versions that it was tested with."""

from __future__ import annotations

from collections.abc import Iterator

from doclife.domain.checkup import Finding, fault, ok, warning

Version = tuple[int, int]
"""Major and minor."""

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
AIRFLOW = (3, 3)


def judge_python(version: Version) -> Iterator[Finding]:
    """Judge the Python that runs this."""
    said = f"Python {_text(version)}"
    if version < OLDEST_PYTHON:
        yield fault(
            "Python",
            f"{said} is too old",
            fix=f"use Python {_text(OLDEST_PYTHON)} to {_text(NEWEST_PYTHON)}",
        )
    elif version > NEWEST_PYTHON:
        yield warning(
            "Python",
            f"{said} is newer than any that doclife was tested with",
            fix=f"use Python {_text(OLDEST_PYTHON)} to {_text(NEWEST_PYTHON)}",
        )
    else:
        yield ok("Python", said)


def judge_airflow_version(version: Version | None) -> Iterator[Finding]:
    """Judge the Airflow that is installed beside this program; None where there is none."""
    if version is None:
        yield ok("Airflow version", "not installed here: only the command line works here")
    elif version < AIRFLOW:
        yield fault(
            "Airflow version",
            f"Airflow {_text(version)} is too old",
            fix=f"install what requirements.txt pins: Airflow {_text(AIRFLOW)}",
        )
    elif version[0] > AIRFLOW[0] or version > AIRFLOW:
        yield warning(
            "Airflow version",
            f"Airflow {_text(version)} is newer than the one that doclife was tested with",
            fix=f"install what requirements.txt pins: Airflow {_text(AIRFLOW)}",
        )
    else:
        yield ok("Airflow version", f"Airflow {_text(version)}")


def read_version(text: str) -> Version:
    """Return major and minor of a version such as ``3.3.0`` or ``3.3.0rc1``."""
    major, minor, *_ = text.split(".")
    return int(major), int("".join(letter for letter in minor if letter.isdigit()))


def _text(version: Version) -> str:
    return ".".join(map(str, version))
