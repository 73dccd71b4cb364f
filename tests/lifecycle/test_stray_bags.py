"""What lies in bags that the catalogue does not know is looked at, not believed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from doclife.lifecycle.stores import register_store
from tests.cli.conftest import Cli

from .conftest import ACTOR, World
from .test_drilling import url_of

MANIFEST = "manifest-sha256.txt"


@pytest.fixture
def cli(world: World) -> Cli:
    return Cli(url_of(world))


def lose(world: World, name: str, **columns: Any) -> int:
    """Register a document whose original is gone."""
    document_id = world.add_document(name, content=name.encode(), **columns)
    world.file(name).unlink()
    return document_id


def put_bag(world: World, number: int, **contents: bytes) -> Path:
    """Put a bag where ours are, named as ours are; of ``d7`` the bytes of document 7."""
    bag = world.folder / f"archive/default/drafts/2026/bag-{number}"
    (bag / "data").mkdir(parents=True)
    for name, content in contents.items():
        (bag / "data" / name.removeprefix("d")).write_bytes(content)
    (bag / MANIFEST).write_text(
        "".join(
            f"{hashlib.sha256(content).hexdigest()}  data/{name.removeprefix('d')}\n"
            for name, content in contents.items()
        )
    )
    return bag


def lines_of(file: Path) -> list[str]:
    return [line.split(",")[1] for line in file.read_text().splitlines()[1:]]


@pytest.mark.parametrize(
    "damaged",
    [
        b"half a li",
        b"\xff" * 70,
        b"a" * 64 + b"  data/../../1\n",
        b"a" * 64 + b"  data/" + b"9" * 40,
    ],
    ids=["half written", "no text", "leads elsewhere", "no number of ours"],
)
def test_a_bag_that_cannot_be_read_hides_no_other(
    world: World, cli: Cli, tmp_path: Path, damaged: bytes
) -> None:
    lost = lose(world, "lost")
    (put_bag(world, 1) / MANIFEST).write_bytes(damaged)
    put_bag(world, 2, **{f"d{lost}": b"lost"})

    found = cli.json("stores", "stray-bags", "--manifest", tmp_path / "lost.csv", exit_code=1)

    assert [one["external_id"] for one in found["payloads"]] == ["lost"]
    assert [one["place"].rsplit("/", 1)[1] for one in found["unread"]] == ["bag-1"]
    assert lines_of(tmp_path / "lost.csv") == ["lost"]
    assert "bag-1" in cli("stores", "stray-bags", exit_code=1).errors


def test_a_link_in_the_place_of_a_manifest_is_not_followed(world: World, cli: Cli) -> None:
    elsewhere = put_bag(world, 1, d1=b"x") / MANIFEST
    (world.folder / "archive" / MANIFEST).write_bytes(elsewhere.read_bytes())
    elsewhere.unlink()
    elsewhere.symlink_to(world.folder / "archive" / MANIFEST)

    found = cli.json("stores", "stray-bags", exit_code=1)

    assert found["payloads"] == []
    assert len(found["unread"]) == 1


def test_a_store_that_is_not_ours_hides_no_bag_of_the_others(world: World, cli: Cli) -> None:
    (world.folder / "theirs").mkdir()
    register_store(
        world.conn,
        name="a-theirs",
        root=str(world.folder / "theirs"),
        connection_id=None,
        now=world.now,
        actor=ACTOR,
        options=lambda _connection_id: {},
    )
    (world.folder / "theirs/.doclife-store").unlink()
    lost = lose(world, "lost")
    put_bag(world, 1, **{f"d{lost}": b"lost"})

    found = cli.json("stores", "stray-bags", exit_code=1)

    assert [one["is_only_copy"] for one in found["payloads"]] == [True]
    assert [one["place"].rsplit("/", 1)[1] for one in found["unread"]] == ["theirs"]


@pytest.mark.parametrize("content", [b"LOST", None], ids=["other bytes", "no bytes"])
def test_bytes_that_are_not_those_of_the_document_do_not_take_its_place(
    world: World, cli: Cli, tmp_path: Path, content: bytes | None
) -> None:
    lost = lose(world, "lost")
    payload = put_bag(world, 1, **{f"d{lost}": b"lost"}) / "data" / str(lost)
    payload.unlink()
    if content is not None:
        payload.write_bytes(content)

    found = cli.json("stores", "stray-bags", "--manifest", tmp_path / "lost.csv", exit_code=1)

    assert [one["is_only_copy"] for one in found["payloads"]] == [False]
    assert [one["place"] for one in found["unread"]] == [found["payloads"][0]["uri"]]
    assert lines_of(tmp_path / "lost.csv") == []


def test_a_document_that_lies_in_two_unknown_bags_comes_back_by_one(
    world: World, cli: Cli, tmp_path: Path
) -> None:
    lost = lose(world, "lost")
    for number in (1, 2):
        put_bag(world, number, **{f"d{lost}": b"lost"})

    cli("stores", "stray-bags", "--manifest", tmp_path / "lost.csv")
    result = cli.json("documents", "import", tmp_path / "lost.csv")

    assert lines_of(tmp_path / "lost.csv") == ["lost"]
    assert result["problems"] == []
    assert cli.json("stores", "stray-bags")["payloads"] != []


def test_a_number_that_was_given_again_to_other_bytes_is_another_document(
    world: World, cli: Cli
) -> None:
    lost = lose(world, "lost")
    put_bag(world, 1, **{f"d{lost}": b"registered since the backup"})

    [found] = cli.json("stores", "stray-bags")["payloads"]

    assert (found["external_id"], found["is_only_copy"]) == (None, False)


def test_what_another_organization_has_is_not_told(world: World, cli: Cli) -> None:
    acme = world.value(
        "INSERT INTO organizations (slug, name) VALUES ('acme', 'Acme') RETURNING id"
    )
    lost = lose(world, "lost", organization_id=acme)
    put_bag(world, 1, **{f"d{lost}": b"lost"})

    [found] = cli.json("stores", "stray-bags")["payloads"]

    assert (found["external_id"], found["is_only_copy"]) == (None, False)
    assert cli.json("stores", "stray-bags", "-o", "acme")["payloads"] == []


def test_what_lies_in_a_bag_that_is_known_too_is_not_lost(world: World, cli: Cli) -> None:
    world.enforce(
        when={"field": "document_type", "op": "eq", "value": "draft"}, actions=[{"do": "ARCHIVE"}]
    )
    packed = world.add_document("packed", content=b"packed", document_type="draft")
    world.night()
    world.file("packed").unlink()
    put_bag(world, 99, **{f"d{packed}": b"packed"})

    [found] = cli.json("stores", "stray-bags")["payloads"]

    assert (found["external_id"], found["is_only_copy"]) == ("packed", False)


def test_nothing_but_the_place_of_a_document_changes_when_it_comes_back(
    world: World, cli: Cli, tmp_path: Path
) -> None:
    lost = lose(world, "lost", modified_on="2020-02-02", created_on="2020-01-01")
    put_bag(world, 1, **{f"d{lost}": b"lost"})
    facts = "SELECT title, modified_on, created_on, field_changed_at::text FROM documents"
    before = world.conn.execute(facts).fetchall()

    cli("stores", "stray-bags", "--manifest", tmp_path / "lost.csv")
    assert cli.json("documents", "import", tmp_path / "lost.csv")["changed"] == 1

    assert world.conn.execute(facts).fetchall() == before
