"""One of many goes out of a bag: the bag stays valid, and nothing but the one is gone.

Kills are in test_killing.py and tests/storage/test_bag_rewriting.py; here are the others who are at
work on the same bag, and what the bag says of itself afterwards.
"""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bagit
import pytest

from doclife.domain.actions import ActionType
from doclife.domain.premis_xml import NAMESPACE
from doclife.lifecycle import applying, cleaning, holding, planning, undo
from doclife.store.connection import Connection

from .conftest import ACTOR, World
from .test_races import at_once

PREMIS = {"premis": NAMESPACE}
ROUNDS = 4


def archive(world: World, *names: str) -> list[int]:
    """Put documents into one bag; their originals stay."""
    documents = [world.add_document(name, content=name.encode()) for name in names]
    plan(world, ActionType.ARCHIVE, documents)
    return documents


def plan(world: World, action: ActionType, documents: Sequence[int]) -> None:
    """Do it on a day of its own: the limits count what was done in 24 hours."""
    world.later(hours=25)
    world.runs += 1
    summary = planning.plan_selection(
        world.conn,
        organization="default",
        action=action,
        document_ids=documents,
        options={"original": "keep"} if action is ActionType.ARCHIVE else {},
        now=world.now,
        as_of=world.now,
        dag_id="test",
        run_id=f"run-{world.runs}",
        requested_by=ACTOR,
        reason="asked for",
    )
    assert world.apply(summary.plan_id).done == len(documents)


def begin_purge(world: World) -> int:
    """Begin the purge of what is past grace, as a run does that is then held up."""
    world.runs += 1
    purge, _originals = planning.plan_purges(
        world.conn,
        now=world.now,
        dag_id="cleanup",
        run_id=f"run-{world.runs}",
        requested_by="schedule",
    )
    applying.start(world.conn, plan_id=purge.plan_id, now=world.now)
    return purge.plan_id


def trash(world: World, *documents: int) -> None:
    """Trash documents so long ago that they are past grace."""
    plan(world, ActionType.DELETE, documents)
    world.conn.execute(
        "UPDATE documents SET purge_after = %s WHERE id = ANY(%s)",
        (world.now.date(), list(documents)),
    )


def bags_of(world: World) -> list[Path]:
    return sorted((world.folder / "archive").glob("default/selection/*/bag-*"))


def premis_objects(bag: Path) -> list[int]:
    root = ET.parse(bag / "premis.xml").getroot()
    return [
        int(each.text or "") for each in root.findall(".//premis:objectIdentifierValue", PREMIS)
    ]


def look_at(bag: Path, contents: dict[int, str]) -> None:
    """The bag is valid, says what it holds and says nothing of anything else."""
    checked = bagit.Bag(str(bag))
    checked.validate()
    assert {path.name: path.read_text() for path in (bag / "data").iterdir()} == {
        f"{document}": content for document, content in contents.items()
    }
    size = sum(len(content) for content in contents.values())
    assert checked.info["Payload-Oxum"] == f"{size}.{len(contents)}"
    assert premis_objects(bag) == sorted(contents)
    tags = (bag / "tagmanifest-sha256.txt").read_text().split()[1::2]
    assert tags == ["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "premis.xml"]
    assert {path.name for path in bag.iterdir()} == {"data", "tagmanifest-sha256.txt", *tags}


def test_what_a_bag_says_of_itself_is_right_after_each_that_goes(world: World) -> None:
    documents = archive(world, "a", "bb", "ccc")
    [bag] = bags_of(world)
    contents = dict(zip(documents, ("a", "bb", "ccc"), strict=True))
    look_at(bag, contents)
    info = bagit.Bag(str(bag)).info
    world.later(days=40)

    for document in documents[:2]:
        trash(world, document)
        world.purge()
        del contents[document]
        look_at(bag, contents)
        after = bagit.Bag(str(bag)).info
        assert {**after, "Payload-Oxum": ""} == {**info, "Payload-Oxum": ""}, "packed when it was"


def test_a_bag_tells_the_history_of_its_documents_and_names_nobody(world: World) -> None:
    document = world.add_document("paper.txt", owner="owner@example.org", media_type="text/plain")
    matter: dict[str, Any] = {"organization": "default", "actor": ACTOR, "now": world.now}
    matter |= {"matter": "case 7", "reason": "litigation", "document_ids": [document]}
    holding.hold(world.conn, **matter)
    holding.release(world.conn, **matter)
    plan(world, ActionType.ARCHIVE, [document])

    [bag] = bags_of(world)
    root = ET.parse(bag / "premis.xml").getroot()
    events = root.findall("premis:event", PREMIS)
    assert [
        (
            event.findtext("premis:eventType", "", PREMIS),
            event.findtext(".//premis:linkingAgentIdentifierValue", "", PREMIS),
        )
        for event in events
    ] == [
        ("policy assignment", "person"),
        ("policy assignment", "person"),
        ("replication", "doclife"),
        ("fixity check", "doclife"),
        ("information package creation", "doclife"),
    ]
    linked = root.findall("premis:object/premis:linkingEventIdentifier", PREMIS)
    assert len(linked) == len(events)
    assert root.findtext(".//premis:formatName", "", PREMIS) == "text/plain"
    written = "".join(path.read_text() for path in bag.iterdir() if path.is_file())
    for name in ("olga", "owner@example.org", "Title of", "paper", "case 7", "litigation"):
        assert name not in written


def test_of_the_last_document_of_a_bag_only_the_record_stays(world: World) -> None:
    document, other = archive(world, "first", "second")
    [bag] = bags_of(world)
    trash(world, document, other)

    world.purge()

    assert not bag.exists()
    assert world.conn.execute(
        "SELECT state, payload_count, payload_bytes FROM archive_bags"
    ).fetchall() == [("removed", 0, 0)]
    for path in world.folder.rglob("*"):
        assert path.name == ".doclife-store" or path.is_dir(), f"{path} was left"


def test_a_bag_of_the_first_release_gets_its_premis_when_it_is_rewritten(world: World) -> None:
    document, other = archive(world, "first", "second")
    [bag] = bags_of(world)
    (bag / "premis.xml").unlink()
    kept = (bag / "tagmanifest-sha256.txt").read_text().splitlines(keepends=True)
    (bag / "tagmanifest-sha256.txt").write_text(
        "".join(each for each in kept if "premis" not in each)
    )
    bagit.Bag(str(bag)).validate()
    trash(world, document)

    world.purge()

    look_at(bag, {other: "second"})


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_two_purges_a_restore_and_a_hold_meet_at_one_bag(world: World, seed: int) -> None:
    names = ("purged", "purged-too", "restored", "untrashed", "held", "stays")
    one, two, restored, untrashed, held, stays = archive(world, *names)
    content = dict(zip((one, two, restored, untrashed, held, stays), names, strict=True))
    [bag] = bags_of(world)
    trash(world, one)
    first = begin_purge(world)
    trash(world, two)
    second = begin_purge(world)
    trash(world, held, untrashed)
    third = begin_purge(world)
    someone, another, third_one, fourth = (world.another_connection() for _ in range(4))

    def restore() -> None:
        undo.restore_documents(
            someone,
            organization="default",
            document_ids=[restored, untrashed],
            now=world.now,
            actor=ACTOR,
            reason="needed",
            stores=world.stores,
        )

    def hold() -> None:
        holding.hold(
            another,
            organization="default",
            matter="case 7",
            reason="litigation",
            document_ids=[held],
            actor=ACTOR,
            now=world.now,
        )

    def purge(conn: Connection, plan_id: int) -> None:
        World(conn=conn, folder=world.folder, now=world.now).apply(plan_id)

    deeds = [
        lambda: purge(world.conn, first),
        lambda: purge(third_one, second),
        lambda: purge(fourth, third),
        restore,
        hold,
    ]
    random.Random(seed).shuffle(deeds)
    try:
        at_once(*deeds)
    finally:
        for conn in (someone, another, third_one, fourth):
            conn.close()

    world.later(hours=2)
    cleaning.sweep_bags(world.conn, now=world.now, stores=world.stores)
    where = {document: world.status(document) for document in content}
    assert (where[one], where[two], where[restored], where[stays]) == (
        "purged",
        "purged",
        "active",
        "archived",
    )
    # Who comes first wins; either way a document is whole or known to be gone.
    assert where[held] in ("deleted", "purged")
    assert where[untrashed] in ("active", "archived", "purged")
    inside = [document for document in content if where[document] in ("archived", "deleted")]
    look_at(bag, {document: content[document] for document in inside})
    for document, status in where.items():
        assert world.file(content[document]).exists() == (status != "purged")
