"""halt, holds, stores, jobs, status and what goes wrong on any day."""

import json
import os
import subprocess
import sys
import uuid

import psycopg
import pytest

from local.state import ROOT

from .conftest import Cli


def test_a_halt_stops_applying_until_it_is_taken_off(acme, plan_id):
    acme("halt", "on", "--reason", "look first")
    refused = acme("plans", "apply", plan_id, "--yes", exit_code=1)
    halted = acme.json("halt", "status")

    acme("halt", "off")

    assert "look first" in refused.errors
    assert halted["reason"].endswith("look first")
    assert acme.json("halt", "status")["reason"] is None
    acme("plans", "apply", plan_id, "--yes")


def test_what_a_plan_of_named_documents_failed_on_is_planned_again(acme, conn, plan_id):
    named = [one["external_id"] for one in acme.json("documents", "list")["documents"]][:2]
    (made,) = acme.json(
        "plans", "create", "--action", "notify", "--with", "to=records@example.org",
        "--reason", "look", "--documents", *named,
    )["plans"]  # fmt: skip
    first = str(made["plan_id"])
    refused = acme("plans", "again", first, "--reason", "once more", exit_code=1)
    assert "may still do what failed" in refused.errors
    conn.execute(
        "UPDATE plan_items SET state = 'failed', reason_code = 'x', reason = 'x',"
        " finished_at = now() WHERE plan_id = %s",
        (first,),
    )
    acme("plans", "apply", first, "--yes")

    (again,) = acme.json("plans", "again", first, "--reason", "once more")["plans"]

    assert (again["state"], again["document_count"]) == ("planned", 2)
    assert "of kind rule" in acme("plans", "again", plan_id, "--reason", "x", exit_code=1).errors


def test_a_halt_needs_a_reason(cli):
    cli("halt", "on", exit_code=2)
    cli("halt", "on", "--reason", " ", exit_code=1)


def test_a_copied_database_is_halted_until_somebody_says_what_it_is(cli, conn):
    conn.execute("UPDATE deployment SET cluster_identity = 'another'")
    before = cli.json("halt", "status")

    cli("adopt", exit_code=2)
    cli("adopt", "--takes-over", exit_code=1)
    cli("adopt", "--takes-over", "--yes")

    after = cli.json("halt", "status")
    assert before["is_adopted"] is False
    assert after["reason"] is None
    assert after["deployment_id"] == before["deployment_id"]


def test_a_copy_beside_its_original_gets_an_identity_of_its_own(cli, folder):
    cli("documents", "import", folder)
    before = cli.json("halt", "status")["deployment_id"]

    cli("adopt", "--as-copy")

    assert cli.json("halt", "status")["deployment_id"] != before
    assert [one["marker"] for one in cli.json("stores", "list")["stores"]] == ["foreign"]
    cli("stores", "adopt", "files", "--yes")
    assert [one["marker"] for one in cli.json("stores", "list")["stores"]] == ["ours"]


def test_a_held_document_stays_and_goes_once_it_is_released(acme):
    held = acme.json("documents", "hold", "case-7", "files/a.txt", "--reason", "court order")
    (first,) = acme.json("plans", "create", "--due")["plans"]
    released = acme.json("documents", "release", "case-7", "files/a.txt")
    (second,) = acme.json("plans", "create", "--due")["plans"]

    assert (held["held"], held["too_late"]) == (1, [])
    assert (first["document_count"], first["blocked_count"]) == (2, 1)
    assert released["released"] == 1
    assert second["document_count"] == 3


def test_documents_are_found_by_what_they_are(acme):
    acme("documents", "hold", "case-7", "files/a.txt", "--reason", "court order")

    def found(*options):
        return [one["external_id"] for one in acme.json("documents", "list", *options)["documents"]]

    assert found("--held") == ["files/a.txt"]
    assert found("--not-held", "--limit", "1") == ["files/b.txt"]
    assert found("--after", "files/b.txt") == ["files/c.txt"]
    assert found("--type", "contract") == []
    assert found("--expires-before", "2021-01-01", "--status", "active") == [
        "files/a.txt",
        "files/b.txt",
        "files/c.txt",
    ]


def test_expiry_by_hand_finds_what_has_expired_once(acme):
    assert acme.json("expire")["expired"] == 3
    assert acme.json("expire")["expired"] == 0


def test_declared_fields_are_listed(cli):
    cli("documents", "declare-field", "due", "date")
    refused = cli("documents", "declare-field", "due", "int", exit_code=1)

    assert cli.json("documents", "fields")["fields"] == {"due": "date"}
    assert "is declared as date" in refused.errors


def test_a_store_that_is_registered_is_ours(cli, tmp_path):
    cli("stores", "register", "archive", tmp_path)

    (store,) = cli.json("stores", "list")["stores"]

    assert (store["name"], store["marker"]) == ("archive", "ours")


def test_a_store_without_its_marker_is_shown_as_read_only(cli, folder):
    cli("documents", "import", folder)
    (folder / ".doclife-store").unlink()

    assert "no marker: read-only" in cli("stores", "list").output


def test_one_screen_says_how_things_are(acme, plan_id):
    shown = acme("status").output
    overview = acme.json("status")

    assert "Migrations up to date" in shown
    assert "never" in shown.partition("Checked for expiry")[2]
    assert "0001-01-01" not in shown
    assert overview["pending_migrations"] == []
    assert overview["documents"][0]["documents"] == 3
    assert overview["plans"] == [
        {"organization": "acme", "state": "planned", "plans": 1, "documents": 3}
    ]


def test_the_password_is_not_on_that_screen(cli):
    password = psycopg.conninfo.conninfo_to_dict(cli.database)["password"]

    assert password
    assert password not in cli("status").output + cli("status", "--json").output


def test_an_empty_database_is_told_to_be_migrated(cli, postgres):
    from tests.conftest import admin_url

    name = f"empty_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        superuser.execute(f'CREATE DATABASE "{name}" OWNER doclife_admin')
    empty = type(cli)(admin_url(postgres, name))

    assert empty.json("status", exit_code=1)["pending_migrations"]
    assert "doclife migrate" in empty("documents", "list", exit_code=1).errors
    assert empty.json("migrate", "--dry-run")["applied"] == []
    assert empty.json("migrate")["pending"] == []
    assert empty.json("migrate")["applied"] == []
    assert empty.json("status")["documents"] == []


def test_an_application_goes_on_with_the_names_it_knows(cli):
    assert cli.json("compatibility", "public") == {"schema": "public"}
    assert "public.queue_jobs" in cli("compatibility", "public").output

    with psycopg.connect(cli.database, autocommit=True) as application:
        application.execute(
            "INSERT INTO public.queue_jobs (type, payload) VALUES ('email',"
            """ '{"to": "ben@example.org", "subject": "Hello", "text": "Text"}')"""
        )
    assert cli.json("jobs", "list")["jobs"]


def test_a_database_that_is_away_is_one_sentence(cli):
    away = type(cli)("postgresql://nobody@127.0.0.1:1/none")

    refused = away("documents", "list", exit_code=1)

    assert refused.errors.startswith("cannot reach the documents database")


def test_without_a_database_the_three_ways_to_name_one_are_told(cli):
    nowhere = type(cli)("")

    refused = nowhere("documents", "list", exit_code=1).errors

    assert "DOCLIFE_DATABASE_URL" in refused
    assert "AIRFLOW_CONN_DOCUMENTS" in refused
    assert "./run doclife" in refused


def test_airflows_own_connection_will_do(cli):
    by_airflow = type(cli)("", {"AIRFLOW_CONN_DOCUMENTS": cli.database})

    assert by_airflow.json("documents", "list")["documents"] == []


def test_an_unknown_organization_is_told_with_those_there_are(cli):
    for command in (("documents", "list"), ("rules", "list"), ("plans", "create", "--due")):
        refused = cli(*command, "-o", "nope", exit_code=1)
        assert refused.errors.startswith("there is no organization 'nope'. Known: default.")


def test_a_job_that_is_not_there_is_named(cli):
    assert "there is no job 7" in cli("jobs", "show", "7", exit_code=1).errors


LISTS = (
    ("documents", "list"),
    ("documents", "show", "files/a.txt"),
    ("documents", "fields"),
    ("rules", "list"),
    ("rules", "export"),
    ("rules", "preview", "expired-notes"),
    ("plans", "list"),
    ("plans", "show", "1"),
    ("plans", "show", "1", "--items"),
    ("jobs", "list"),
    ("jobs", "stats"),
    ("stores", "list"),
    ("organizations", "list"),
    ("limits", "show"),
    ("halt", "status"),
    ("status",),
    ("digest",),
    ("expire",),
)


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_people_get_words_and_programs_one_json_document(acme, plan_id, command):
    for_people = acme(*command)
    for_programs = acme(*command, "--json")

    assert for_people.output
    assert "\x1b" not in for_people.output  # no colours in a pipe
    assert isinstance(json.loads(for_programs.output), dict)
    assert for_people.errors == for_programs.errors == ""


def test_colours_are_for_terminals_that_want_them(acme):
    _code, coloured = acme.on_a_terminal("halt", "status")
    plain = type(acme)(acme.database, {"NO_COLOR": "1"})
    _code, uncoloured = plain.on_a_terminal("halt", "status")

    assert "\x1b[32m" in coloured
    assert "\x1b[32m" not in uncoloured


@pytest.mark.parametrize("columns", ["", "wide", "5"])
def test_a_width_that_is_none_is_that_of_pipes(cli, columns):
    narrow = Cli(cli.database, {"COLUMNS": columns})

    assert narrow("organizations", "list").output == cli("organizations", "list").output


def test_hints_can_be_typed_as_they_are(acme, plan_id):
    refused = acme("documents", "show", "nope", exit_code=1)
    made = acme("plans", "create", "--rule", "expired-notes", "--mode", "simulate")

    assert "See: doclife documents list -o acme" in refused.errors
    assert f"doclife plans show {int(plan_id) + 1} --items" in made.output


def test_an_argument_that_is_not_utf_8_is_one_sentence(cli):
    refused = cli("documents", "show", "caf\udce9.txt", exit_code=1)

    assert "caf%E9.txt is not UTF-8" in refused.errors
    assert len(refused.errors.strip().splitlines()) == 1


def test_a_terminal_with_fewer_letters_shows_the_others_escaped(cli, folder):
    (folder / "öl.txt").write_text("x")
    cli("documents", "import", folder)

    done = subprocess.run(
        [sys.executable, "-m", "doclife.cli", "documents", "list"],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "plugins"),
            "PYTHONIOENCODING": "ascii",
            "DOCLIFE_DATABASE_URL": cli.database,
        },
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0
    assert "files/\\xf6l.txt" in done.stdout


def test_a_server_that_does_not_answer_is_one_line(cli):
    refused = Cli("postgresql://x@127.0.0.1:1/x")("status", exit_code=1)

    assert len(refused.errors.strip().splitlines()) == 1
    assert "\\t" not in refused.errors
    assert "?." not in refused.errors
