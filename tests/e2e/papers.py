"""Files that this project did not write, and what is to become of each.

The licences, descriptions and lists that the installed packages brought with them are copied into
a folder of their own. One after the other gets one of the fates below, and with it a line of the
manifest that makes a rule of rules.yaml (or nobody) want it.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import cycle, product
from pathlib import Path

WANTED = ("LICEN", "COPYING", "NOTICE", "AUTHORS", "METADATA", "RECORD")
SECRET = "Strictly private"
"""Every title begins so, and it is in none of the files: what is found elsewhere was leaked."""
OWNERS = ("paula@example.org", "quirin@example.org", "rosa@example.org")
COLUMNS = (
    "path", "external_id", "title", "document_type", "owner", "tags", "created_on",
    "last_accessed_on", "expires_on", "metadata.ended_on",
)  # fmt: skip


class Fate(StrEnum):
    """What is to become of a paper, and by which rule."""

    ARCHIVED = "archived"
    """contracts-10y archives it, and the cleanup removes the original."""
    RUNNING = "running"
    """contracts-10y keeps it; it will be archived within the year."""
    UNDATED = "undated"
    """temporary wants to delete it; contracts-10y keeps it, because it lacks the anchor."""
    PURGED = "purged"
    """expired-drafts deletes it, and the cleanup destroys it."""
    EVIDENCE = "evidence"
    """expired-drafts wants to delete it; evidence-10y keeps it."""
    HELD = "held"
    """expired-drafts wants to delete it; a legal hold keeps it."""
    TRASHED = "trashed"
    """temporary deletes it, and the cleanup leaves it in the trash."""
    TOLD = "told"
    """policies tells its owner and another system that it has expired."""
    WARNED = "warned"
    """policies-expire-soon warns its owner."""
    UNREAD = "unread"
    """unread-reports would archive it."""
    CHOSEN = "chosen"
    """A person has it archived by hand; the original stays."""
    LEFT_ALONE = "left alone"
    """No rule is about it."""


STATUS = {
    Fate.ARCHIVED: "archived",
    Fate.CHOSEN: "archived",
    Fate.TRASHED: "deleted",
    Fate.PURGED: "purged",
}
"""The status after the whole job, where it is not ``active``."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One file of the tree."""

    name: str
    """Its path below the tree, and its external id."""
    fate: Fate
    owner: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The copied files and the manifest about them."""

    folder: Path
    manifest: Path
    papers: tuple[Paper, ...]

    def names(self, *fates: Fate) -> list[str]:
        """Return the papers of these fates."""
        return sorted(paper.name for paper in self.papers if paper.fate in fates)


def write_tree(folder: Path, *, today: date) -> Tree:
    """Copy the files and write the manifest; dates in it count from ``today``."""
    folder.mkdir()
    # Every owner has papers of every fate.
    turns = cycle(product(OWNERS, Fate))
    papers = []
    for (source, name), (owner, fate) in zip(installed_files(), turns, strict=False):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        papers.append(Paper(name=name, fate=fate, owner=owner, sha256=sha256(target)))
    manifest = folder.with_suffix(".csv")
    with manifest.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(_row(paper, folder=folder, today=today) for paper in papers)
    return Tree(folder=folder, manifest=manifest, papers=tuple(papers))


def installed_files() -> Iterator[tuple[Path, str]]:
    """Yield the papers of the installed packages, each with a name below the tree."""
    packages = Path(sysconfig.get_path("purelib"))
    for file in sorted(packages.glob("*.dist-info/**/*")):
        is_paper = file.name.upper().startswith(WANTED) or file.suffix == ".txt"
        if is_paper and file.is_file() and not file.is_symlink():
            name = file.relative_to(packages)
            yield file, str(name.with_name(f"{name.name}.txt") if not name.suffix else name)


def sha256(file: Path) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder, but for the marker of a store."""
    return {
        str(file.relative_to(folder)): sha256(file)
        for file in folder.rglob("*")
        if file.is_file() and file.name != ".doclife-store"
    }


def _row(paper: Paper, *, folder: Path, today: date) -> Mapping[str, str]:
    def ago(days: int) -> str:
        return (today - timedelta(days=days)).isoformat()

    facts = {
        Fate.ARCHIVED: {"document_type": "contract", "metadata.ended_on": ago(1000)},
        Fate.RUNNING: {"document_type": "contract", "metadata.ended_on": ago(100)},
        Fate.UNDATED: {"document_type": "contract", "tags": "temp"},
        Fate.PURGED: {"document_type": "draft", "expires_on": ago(30)},
        Fate.EVIDENCE: {"document_type": "draft", "expires_on": ago(30), "tags": "evidence"},
        Fate.HELD: {"document_type": "draft", "expires_on": ago(30)},
        Fate.TRASHED: {"document_type": "copy", "tags": "temp;copy"},
        Fate.TOLD: {"document_type": "policy", "expires_on": ago(3)},
        Fate.WARNED: {"document_type": "policy", "expires_on": ago(-20)},
        Fate.UNREAD: {"document_type": "report", "last_accessed_on": ago(1500)},
        Fate.CHOSEN: {"document_type": "letter"},
        Fate.LEFT_ALONE: {"document_type": "letter"},
    }
    return {
        "path": f"{folder.name}/{paper.name}",
        "external_id": paper.name,
        "title": f"{SECRET}: {paper.name}",
        "owner": paper.owner,
        "created_on": ago(1800),
        **facts[paper.fate],
    }
