"""The files of the releases that a year is lived through: taken from git, where they are still."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
TAKEN = ("plugins", "include")
"""What a process needs of a release."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One version of doclife.

    :param name: its commit, or ``this one``.
    :param tree: the folder with its ``plugins`` and ``include``.
    """

    name: str
    tree: Path


THIS_ONE = Release(name="this one", tree=CHECKOUT)


def freeze(folder: Path) -> Release:
    """Copy the files of this release as they are now: somebody may change them within a year."""
    tree = folder / "this one"
    for name in TAKEN:
        shutil.copytree(CHECKOUT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    return Release(name="this one", tree=tree)


def take(commit: str, folder: Path) -> Release:
    """Write the files of a commit into a folder of its own."""
    tree = folder / commit
    tree.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "-C", str(CHECKOUT), "archive", commit, *TAKEN], capture_output=True
    )
    if archive.returncode:
        raise SystemExit(
            f"the files of release {commit} cannot be had: {archive.stderr.decode().strip()}. A "
            "year begins with an old release, which is in the history of a full git clone."
        )
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive.stdout, check=True)
    return Release(name=commit, tree=tree)
