"""The sample documents and starter rules, brought in and worked through by the command line."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local import first_run, samples
from local.state import State

ORGANIZATION = ("--organization", samples.ORGANIZATION)


@pytest.fixture
def database(each_database: str) -> str:
    """One night of every action, on each PostgreSQL that we promise to work on."""
    return each_database


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "local data")


@pytest.fixture
def loaded(cli, state):
    samples.load_samples(lambda command: cli(*command), state, today=datetime.now(UTC).date())
    return cli


def do_the_night(cli) -> None:
    """What the four DAGs do, in their order."""
    cli("expire")
    made = cli.json("plans", "create", "--due", *ORGANIZATION)["plans"]
    for plan in made:
        if plan["state"] == "planned" and plan["mode"] == "enforce":
            cli("plans", "apply", str(plan["plan_id"]), "--yes")
    cli("digest")
    for plan in cli.json("plans", "create", "--purges")["plans"]:
        cli("plans", "apply", str(plan["plan_id"]), "--yes")


def statuses(cli) -> Counter[str]:
    found = cli.json("documents", "list", *ORGANIZATION, "--limit", "1000")["documents"]
    return Counter(document["status"] for document in found)


def decisions(cli, external_id: str) -> set[tuple[str, str]]:
    story = cli.json("documents", "show", external_id, *ORGANIZATION)
    return {
        (decision["action"], decision["reason_code"] or decision["state"])
        for decision in story["decisions"]
    }


def test_every_sample_is_registered_without_a_problem(loaded):
    assert statuses(loaded) == {"active": 75}


def test_the_first_day_shows_every_action_a_purge_included(loaded, state):
    do_the_night(loaded)

    assert statuses(loaded) == {"active": 63, "archived": 4, "deleted": 4, "purged": 4}
    assert not (state.folder / "samples/documents/drafts/draft-price-list.csv").exists()
    jobs = {(job["kind"], job["state"]) for job in loaded.json("jobs", "stats")["jobs"]}
    assert jobs == {(kind, "pending") for kind in ("email", "slack", "webhook")}


def test_the_first_day_needs_no_change_to_the_limits_of_the_deployment(loaded):
    before = loaded.json("limits", "show")["deployment"]

    do_the_night(loaded)

    assert before == {"max_documents_per_day": 20000, "max_fraction_per_day": 0.2}
    assert loaded.json("limits", "show")["deployment"] == before
    assert not [plan for plan in loaded.json("plans", "list")["plans"] if plan["approval_reason"]]


def test_samples_are_not_put_beside_documents_of_others(loaded, tmp_path):
    assert not first_run.is_beside_others(loaded.database)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("x")
    loaded("documents", "import", tmp_path / "mine")

    assert first_run.is_beside_others(loaded.database)


def test_nobody_else_may_look_into_the_sample_files(tmp_path):
    samples.write_samples(tmp_path / "samples", today=datetime.now(UTC).date())

    assert (tmp_path / "samples").stat().st_mode & 0o077 == 0
    assert (tmp_path / "samples" / "documents").stat().st_mode & 0o077 == 0


def test_a_held_draft_is_left_alone_and_says_so(loaded):
    do_the_night(loaded)

    assert ("DELETE", "held") in decisions(loaded, samples.HELD)


def test_an_invoice_that_is_also_temporary_says_which_rule_keeps_it(loaded):
    do_the_night(loaded)

    invoices = loaded.json("documents", "list", *ORGANIZATION, "--type", "invoice", "--tag", "temp")
    (invoice,) = invoices["documents"]
    story = loaded.json("documents", "show", invoice["external_id"], *ORGANIZATION)

    (decision,) = [one for one in story["decisions"] if one["action"] == "DELETE"]
    assert decision["reason_code"] == "retained"
    assert decision["blocking_rule"] == "invoices-10y@1"


def test_loading_the_samples_a_second_time_does_nothing(loaded, state):
    do_the_night(loaded)

    def refuse(command):
        raise AssertionError(command)

    assert samples.load_samples(refuse, state, today=datetime.now(UTC).date()) is False


def test_loading_that_was_killed_begins_anew(loaded, state):
    (state.folder / samples.STAMP).unlink()

    samples.load_samples(lambda command: loaded(*command), state, today=datetime.now(UTC).date())

    assert statuses(loaded) == {"active": 75}
