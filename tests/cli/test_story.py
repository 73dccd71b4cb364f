"""The main job by the command line alone, without Airflow: import, preview, plan, apply, undo."""

from dataclasses import replace

import psycopg
import pytest


@pytest.fixture
def database(each_database: str) -> str:
    """On each PostgreSQL that we promise to work on."""
    return each_database


def statuses(cli):
    return [one["status"] for one in cli.json("documents", "list")["documents"]]


def test_documents_go_from_import_to_the_trash_and_back(acme):
    preview = acme.json("rules", "preview", "expired-notes")
    (plan,) = acme.json("plans", "create", "--rule", "expired-notes")["plans"]
    before = statuses(acme)

    applied = acme.json("plans", "apply", str(plan["plan_id"]), "--yes")
    trashed = statuses(acme)
    undone = acme.json("plans", "undo", str(plan["plan_id"]))

    assert [(count["action"], count["documents"]) for count in preview["counts"]] == [("DELETE", 3)]
    assert before == ["active"] * 3
    assert applied["outcome"] == {"done": 3, "skipped": 0, "failed": 0}
    assert trashed == ["deleted"] * 3
    assert undone["outcome"]["undone"] == 3
    assert statuses(acme) == ["active"] * 3


def test_a_preview_of_the_future_stores_nothing(acme):
    acme("rules", "preview", "expired-notes", "--as-of", "2040-01-01")

    assert acme.json("plans", "list")["plans"] == []


def test_the_same_run_id_finds_the_same_plan(acme):
    first = acme.json("plans", "create", "--due", "--run-id", "friday")
    second = acme.json("plans", "create", "--due", "--run-id", "friday")

    assert first == second
    assert len(acme.json("plans", "list")["plans"]) == 1


def test_without_a_run_id_every_call_makes_a_plan_of_its_own(acme):
    acme("plans", "create", "--due")
    acme("plans", "create", "--due")

    found = acme.json("plans", "list")["plans"]

    assert [plan["state"] for plan in found] == ["planned", "superseded"]


def test_destroying_without_anybody_to_ask_is_refused(acme, plan_id):
    refused = acme("plans", "apply", plan_id, exit_code=1)

    assert "add --yes" in refused.errors
    assert statuses(acme) == ["active"] * 3


def test_whoever_says_no_at_the_terminal_destroys_nothing(acme, plan_id):
    exit_code, seen = acme.on_a_terminal("plans", "apply", plan_id, typed="n\n")

    assert exit_code == 1
    assert f"Plan {plan_id} will DELETE 3 documents" in seen
    assert "Nothing was done." in seen
    assert statuses(acme) == ["active"] * 3


def test_whoever_says_yes_at_the_terminal_is_told_the_way_back(acme, plan_id):
    exit_code, seen = acme.on_a_terminal("plans", "apply", plan_id, typed="y\n")

    assert exit_code == 0
    assert f"doclife plans undo {plan_id}" in seen
    assert statuses(acme) == ["deleted"] * 3


def test_who_did_what_and_why_is_in_the_history_of_a_document(acme, plan_id):
    acme("plans", "apply", plan_id, "--yes")

    story = acme.json("documents", "show", "files/a.txt")

    assert [entry["action"] for entry in story["history"]] == [
        "document.trashed",
        "document.registered",
    ]
    assert story["history"][0]["actor"].startswith("cli:")
    assert story["history"][0]["rule"] == "expired-notes@1"
    assert story["decisions"][0]["state"] == "done"


def test_a_document_comes_out_of_the_trash_by_name(acme, plan_id):
    acme("plans", "apply", plan_id, "--yes")

    answer = acme("documents", "restore", "files/a.txt", "--reason", "still needed")

    assert answer.output.startswith("1 restored; rules leave them alone for 30 days.")
    assert statuses(acme) == ["active", "deleted", "deleted"]


def test_restoring_what_is_not_gone_says_so(acme):
    outcome = acme.json("documents", "restore", "files/a.txt")

    assert (outcome["undone"], outcome["skipped"]) == (0, 1)


def test_an_undo_that_brings_nothing_back_promises_nothing(acme, plan_id):
    acme("plans", "apply", plan_id, "--yes")
    acme("documents", "restore", "files/a.txt", "files/b.txt", "files/c.txt")

    undone = acme("plans", "undo", plan_id, exit_code=3)

    assert "0 documents brought back." in undone.output
    assert "3 left as they are" in undone.output


def test_a_plan_that_waits_says_how_it_is_approved(acme, plan_id):
    acme("organizations", "set", "acme", "--max-documents-per-day", "1")
    (waiting,) = acme.json("plans", "create", "--rule", "expired-notes")["plans"]

    shown = acme("plans", "show", str(waiting["plan_id"]))
    refused = acme("plans", "apply", str(waiting["plan_id"]), "--yes", exit_code=1)

    assert waiting["state"] == "needs_approval"
    assert f"doclife plans approve {waiting['plan_id']}" in shown.output
    assert "waits for approval" in refused.errors


def test_a_simulation_is_never_applied(acme):
    (plan,) = acme.json("plans", "create", "--rule", "expired-notes", "--mode", "simulate")["plans"]

    refused = acme("plans", "apply", str(plan["plan_id"]), "--yes", exit_code=1)

    assert "is a simulation" in refused.errors


def test_a_plan_for_the_future_is_refused_unless_it_simulates(acme):
    refused = acme(
        "plans", "create", "--rule", "expired-notes", "--as-of", "2040-01-01", exit_code=1
    )
    made = acme.json(
        *("plans", "create", "--rule", "expired-notes", "--as-of", "2040-01-01"),
        *("--mode", "simulate"),
    )

    assert "Use mode simulate to look ahead." in refused.errors
    assert made["plans"][0]["document_count"] == 3


def test_chosen_documents_are_planned_with_the_reason(acme):
    (plan,) = acme.json(
        *("plans", "create", "--action", "delete", "--reason", "asked to"),
        *("--documents", "files/a.txt", "files/b.txt"),
    )["plans"]

    items = acme.json("plans", "show", str(plan["plan_id"]), "--items")["items"]

    assert {item["external_id"] for item in items} == {"files/a.txt", "files/b.txt"}
    assert {item["reason"] for item in items} == {"asked to"}


def test_a_selection_with_an_unknown_document_plans_nothing(acme):
    refused = acme(
        *("plans", "create", "--action", "DELETE", "--reason", "asked to"),
        *("--documents", "files/a.txt", "files/nope.txt"),
        exit_code=1,
    )

    assert "has no document 'files/nope.txt'" in refused.errors
    assert acme.json("plans", "list")["plans"] == []


def test_two_ways_to_plan_at_once_are_wrong_usage(acme):
    acme("plans", "create", "--due", "--purges", exit_code=2)
    acme("plans", "create", exit_code=2)
    acme("plans", "create", "--action", "DELETE", "--reason", "x", exit_code=2)


def test_an_unknown_plan_is_named(acme):
    for verb in ("show", "apply", "undo"):
        assert "there is no plan 999" in acme("plans", verb, "999", exit_code=1).errors


def test_what_cannot_be_applied_is_refused_without_asking(acme):
    acme("organizations", "set", "acme", "--max-documents-per-day", "1")
    (waiting,) = acme.json("plans", "create", "--rule", "expired-notes")["plans"]

    refused = acme("plans", "apply", str(waiting["plan_id"]), exit_code=1)

    assert "waits for approval" in refused.errors


def waits_for_a_lock(database):
    with psycopg.connect(database, autocommit=True) as looking:
        return looking.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN"
            " (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))"
        ).fetchone()[0]


def test_ctrl_c_in_the_middle_keeps_what_is_done_and_says_how_to_go_on(acme, plan_id, conn):
    with conn.transaction():  # holds the documents, so that applying them has to wait
        conn.execute("SELECT FROM documents FOR UPDATE")
        exit_code, seen = acme.on_a_terminal(
            *("plans", "apply", plan_id, "--yes"),
            typed="\x03",
            typed_when=lambda: waits_for_a_lock(acme.database),
        )

    assert exit_code == 130
    assert "the same command goes on from there" in seen
    acme("plans", "apply", plan_id, "--yes")
    assert statuses(acme) == ["deleted"] * 3


def test_the_list_of_plans_has_one_line_per_plan_in_80_columns(acme, plan_id):
    narrow = replace(acme, environment={**acme.environment, "COLUMNS": "80"})

    lines = narrow("plans", "list", "-o", "acme").output.splitlines()

    assert len(lines) == 2
    assert lines[1].split()[:4] == [plan_id, "expired-notes@1", "planned", "3"]
    (plan,) = acme.json("plans", "list")["plans"]
    assert plan["run_id"]
    assert plan["dag_id"]
