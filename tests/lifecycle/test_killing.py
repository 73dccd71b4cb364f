"""A process applying a plan dies by kill -9 at any step, and the next one ends what it began.

A step is a word with the database (BEGIN and COMMIT included) or a system call that opens or
changes a file. Each trial kills a process before another step, lets a second one apply the plan,
and looks at everything: catalogue, trail, bags and bystanders.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import bagit
import psycopg
import pytest

from doclife.domain.compiler import RuleVersion
from doclife.domain.plan import PlanState
from doclife.errors import TryAgainLater
from doclife.lifecycle import cleaning, planning
from doclife.store.connection import connect
from tests.storage.killing import CALLS

from .conftest import ACTOR, World

EVERY_STEP = int(os.environ.get("DOCLIFE_ROUNDS", "200")) > 1000
LONGEST_STRIDE = 5
"""Where not every step is tried, how many are passed over at most: other ones in every run."""


@dataclass
class Trials:
    """One world in which one process after the other is killed."""

    world: World
    database: str
    numbers: Iterator[int] = field(default_factory=count)
    rules: dict[str, RuleVersion] = field(default_factory=dict)

    def rule(self, name: str, action: dict[str, Any]) -> None:
        """Put a rule into force for the documents that are tagged with its name."""
        self.rules[name] = self.world.enforce(
            name,
            when={"field": "tags", "op": "has_any", "value": [name]},
            actions=[action],
            grace="0d",
        )

    def add(self, *tags: str) -> int:
        number = next(self.numbers)
        return self.world.add_document(
            f"{number}.txt", content=b"content of %d" % number, tags=list(tags)
        )

    def plan(self, rule: str) -> int:
        """Plan one rule, on a day of its own: the limits count what was destroyed in 24 hours."""
        self.world.later(hours=25)
        self.world.runs += 1
        summary = planning.plan_rule(
            self.world.conn,
            rule_version_id=self.rules[rule].version_id,
            now=self.world.now,
            as_of=self.world.now,
            dag_id="test",
            run_id=f"run-{self.world.runs}",
            requested_by=ACTOR,
        )
        assert summary.state is PlanState.PLANNED
        return summary.plan_id

    def plan_weekly(self) -> tuple[int, int]:
        """Plan the purge and the removal of originals."""
        self.world.runs += 1
        purge, originals = planning.plan_purges(
            self.world.conn,
            now=self.world.now,
            dag_id="test",
            run_id=f"run-{self.world.runs}",
            requested_by=ACTOR,
        )
        return purge.plan_id, originals.plan_id

    def killed(self, plan_id: int, step: int) -> bool:
        """Apply a plan in a process that is killed before a step; False when it ended before."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with connect(self.database, application_name="mortal") as conn:
                    die_before_step(step)
                    World(conn=conn, folder=self.world.folder, now=self.world.now).apply(plan_id)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        assert os.WEXITSTATUS(status) == 0, "it failed by itself"
        return False

    def apply(self, plan_id: int) -> None:
        """Apply a plan as a retried task does, once the server has noticed the death."""
        until = time.monotonic() + 120
        while True:
            try:
                self.world.apply(plan_id)
            except TryAgainLater:
                assert time.monotonic() < until, "the dead process still has its shard"
                time.sleep(0.01)
            else:
                return


def die_before_step(step: int) -> None:
    """Count words with the database and changes of files; nothing has to be undone in a child."""
    steps = count(1)

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return counted

    psycopg.Connection.wait = dying(psycopg.Connection.wait)
    for name in CALLS:
        setattr(os, name, dying(getattr(os, name)))


@pytest.fixture
def trials(world: World, database: str) -> Trials:
    trials = Trials(world=world, database=database)
    trials.rule("trash", {"do": "DELETE"})
    trials.rule("archive", {"do": "ARCHIVE"})
    trials.rule("bag", {"do": "ARCHIVE", "with": {"original": "keep"}})
    return trials


@dataclass(frozen=True)
class Trial:
    """A plan to be applied twice, and what must be true when it has been."""

    plan_id: int
    ends: dict[int, str]
    """The status each document ends with; those of the plan and bystanders."""
    steps: tuple[str, ...]
    """What is said of each planned document, once each."""


def trash(trials: Trials) -> Trial:
    documents = [trials.add("trash") for _ in range(3)]
    bystander = trials.add()
    return Trial(
        plan_id=trials.plan("trash"),
        ends={**dict.fromkeys(documents, "deleted"), bystander: "active"},
        steps=("document.trashed",),
    )


def archive(trials: Trials) -> Trial:
    documents = [trials.add("archive") for _ in range(3)]
    bystander = trials.add()
    return Trial(
        plan_id=trials.plan("archive"),
        ends={**dict.fromkeys(documents, "archived"), bystander: "active"},
        steps=("document.archived",),
    )


def purge(trials: Trials) -> Trial:
    """Two of three documents of a bag with their originals, and one that was never archived."""
    bagged = [trials.add("bag", "trash"), trials.add("bag", "trash")]
    staying = trials.add("bag")
    trials.world.apply(trials.plan("bag"))
    plain, bystander = trials.add("trash"), trials.add()
    trials.world.apply(trials.plan("trash"))
    return Trial(
        plan_id=trials.plan_weekly()[0],
        ends={
            **dict.fromkeys([*bagged, plain], "purged"),
            staying: "archived",
            bystander: "active",
        },
        steps=("document.purging", "document.purged"),
    )


def purge_a_whole_bag(trials: Trials) -> Trial:
    bagged = [trials.add("bag", "trash"), trials.add("bag", "trash")]
    trials.world.apply(trials.plan("bag"))
    trials.world.apply(trials.plan("trash"))
    return Trial(
        plan_id=trials.plan_weekly()[0],
        ends=dict.fromkeys(bagged, "purged"),
        steps=("document.purging", "document.purged"),
    )


def remove_originals(trials: Trials) -> Trial:
    documents = [trials.add("archive") for _ in range(3)]
    bystander = trials.add()
    trials.world.apply(trials.plan("archive"))
    return Trial(
        plan_id=trials.plan_weekly()[1],
        ends={**dict.fromkeys(documents, "archived"), bystander: "active"},
        steps=("document.original_removed",),
    )


@pytest.mark.parametrize("begin", [trash, archive, purge, purge_a_whole_bag, remove_originals])
def test_whoever_comes_after_a_kill_ends_everything_once(
    trials: Trials, begin: Callable[[Trials], Trial]
) -> None:
    chance = random.Random()
    steps_tried, step = 0, 1
    while True:
        trial = begin(trials)
        was_killed = trials.killed(trial.plan_id, step)
        trials.apply(trial.plan_id)
        try:
            look_at_everything(trials.world, trial)
        except AssertionError as error:
            error.add_note(f"killed before step {step}")
            raise
        if not was_killed:
            break
        steps_tried += 1
        step += 1 if EVERY_STEP else chance.randint(1, LONGEST_STRIDE)

    assert steps_tried > 5
    trials.world.later(hours=2)
    assert (
        cleaning.sweep_bags(trials.world.conn, now=trials.world.now, stores=trials.world.stores)
        == 0
    )
    look_at_the_bags(trials.world)


def look_at_everything(world: World, trial: Trial) -> None:
    """Compare catalogue, trail, bytes and bags with what a plan applied once leaves."""
    planned = [each for each, in world.conn.execute(
        "SELECT document_id FROM plan_items WHERE plan_id = %s AND state = 'done'", (trial.plan_id,)
    )]  # fmt: skip
    assert world.value("SELECT state FROM plans WHERE id = %s", trial.plan_id) == "applied"
    assert set(world.items(trial.plan_id).values()) == {("done", None)}
    assert world.conn.execute(
        "SELECT sum(item_count), sum(done_count), sum(failed_count + skipped_count)"
        " FROM plan_shards WHERE plan_id = %s",
        (trial.plan_id,),
    ).fetchone() == (len(planned), len(planned), 0)
    assert {document: world.status(document) for document in trial.ends} == trial.ends
    for document in trial.ends:
        steps = trial.steps if document in planned else ()
        said = world.conn.execute(
            "SELECT action FROM audit_entries WHERE document_id = %s AND plan_id = %s ORDER BY id",
            (document, trial.plan_id),
        ).fetchall()
        assert tuple(action for (action,) in said) == steps
        announced = world.value(
            "SELECT count(*) FROM events WHERE document_id = %s AND plan_id = %s",
            document,
            trial.plan_id,
        )
        assert announced == len(steps[-1:])
    look_at_the_bytes(world, trial)
    look_at_the_bags(world)


def look_at_the_bytes(world: World, trial: Trial) -> None:
    rows = world.conn.execute(
        "SELECT document.id, document.status, original.uri, copy.uri"
        " FROM documents AS document"
        " LEFT JOIN stored_objects AS original ON document.stored_object_id = original.id"
        " LEFT JOIN stored_objects AS copy ON document.archived_object_id = copy.id"
        " WHERE document.id = ANY(%s)",
        (list(trial.ends),),
    ).fetchall()
    for document, status, original, copy in rows:
        # Not by its external id: a tombstone has it no more.
        name, content = f"{document - 1}.txt", b"content of %d" % (document - 1)
        places = [path_of(uri) for uri in (original, copy) if uri]
        assert bool(places) == (status != "purged"), "no document without bytes"
        assert [place.read_bytes() for place in places] == [content] * len(places)
        assert world.file(name).exists() == (original is not None)


def look_at_the_bags(world: World) -> None:
    """Every folder is a valid bag that the catalogue knows, and every bag has its folder."""
    folders = {
        Path(folder)
        for folder, _folders, files in os.walk(world.folder / "archive")
        if "bagit.txt" in files or Path(folder).name == "data"
    }
    folders = {folder.parent if folder.name == "data" else folder for folder in folders}
    known = world.conn.execute("SELECT uri, state FROM archive_bags WHERE state <> 'removed'")
    bags = {path_of(uri): state for uri, state in known.fetchall()}
    assert set(bags) == folders
    assert set(bags.values()) <= {"sealed"}
    for folder in folders:
        bagit.Bag(str(folder)).validate()


def path_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))
