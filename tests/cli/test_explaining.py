"""A stranger asks why a document is still here, what will happen, and what is overdue."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli

LONGER = """
organization: acme
rules:
  - name: expired-notes
    mode: enforce
    trigger: {type: ON_EXPIRATION}
    when: {field: document_type, op: eq, value: note}
    retain: {for: 50y, after: expires_on}
    limits: {max_fraction: 1.0}
    actions:
      - {do: DELETE}
"""


def note(acme: Cli) -> str:
    """One of the three expired notes."""
    return str(acme.json("documents", "list")["documents"][0]["external_id"])


def test_the_first_line_answers_why_a_document_is_still_here(acme: Cli) -> None:
    answer = acme("documents", "explain", note(acme)).output.splitlines()[0]

    assert answer == (
        "Still here, but expired-notes@1 deletes it in its next run: due since 2021-01-01, "
        "counted from 2020-12-31."
    )


def test_an_explanation_shows_every_predicate_and_what_comes_next(acme: Cli) -> None:
    shown = acme("documents", "explain", note(acme)).output
    found = acme.json("documents", "explain", note(acme))

    assert "counts from expires_on = 2020-12-31" in shown
    assert "a legal hold" in shown
    assert found["rules"][0]["predicates"] == [
        {
            "position": 0,
            "path": "",
            "field": "document_type",
            "operator": "eq",
            "required": "note",
            "actual": "note",
            "is_met": True,
            "is_negated": False,
        }
    ]
    assert found["next_step"]["action"] == "DELETE"


def test_the_future_is_explained_and_said_to_be_one(acme: Cli) -> None:
    shown = acme("documents", "explain", note(acme), "--as-of", "2999-01-01").output

    assert "Judged as if 2999-01-01 had come" in shown


def test_a_document_in_the_trash_says_by_which_plan_and_rule(acme: Cli, plan_id: str) -> None:
    acme("plans", "apply", plan_id, "--yes")

    answer = acme("documents", "explain", note(acme)).output.splitlines()[0]

    assert answer.startswith("In the trash on ")
    assert f"by plan {plan_id} of expired-notes@1" in answer


def test_the_impact_of_a_file_is_judged_by_what_its_organization_declared(
    acme: Cli, tmp_path: Path
) -> None:
    acme("documents", "declare-field", "closed_on", "date")
    file = tmp_path / "closed.yaml"
    file.write_text(
        LONGER.replace("organization: acme\n", "")
        .replace("ON_EXPIRATION", "ON_SCHEDULE")
        .replace("after: expires_on", "after: metadata.closed_on")
    )

    found = acme.json("rules", "impact", "expired-notes", "--file", file)

    assert found["changes"]


def test_the_impact_of_a_file_is_shown_before_it_is_applied(acme: Cli, tmp_path: Path) -> None:
    file = tmp_path / "longer.yaml"
    file.write_text(LONGER)

    shown = acme("rules", "impact", "expired-notes", "--file", file).output
    found = acme.json("rules", "impact", "expired-notes", "--file", file)

    assert shown.startswith("expired-notes@1 -> expired-notes@2 as of ")
    assert {(one["kind"], one["documents"]) for one in found["changes"]} == {
        ("no_longer_due", 3),
        ("newly_retained", 3),
    }


def test_two_stored_versions_are_compared(acme: Cli, tmp_path: Path) -> None:
    file = tmp_path / "longer.yaml"
    file.write_text(LONGER)
    acme("rules", "apply", file)

    found = acme.json("rules", "impact", "expired-notes", "--from", "2", "--to", "1")

    assert {one["kind"] for one in found["changes"]} == {"newly_due", "no_longer_retained"}
    assert "give either --file or --to" in (
        acme("rules", "impact", "expired-notes", exit_code=2).errors
    )


def test_forecast_and_overdue_speak_of_what_the_night_found(acme: Cli) -> None:
    assert "was not forecast yet" in acme("forecast").output
    assert acme("forecast", "--csv").output.splitlines()[0] == (
        "rule,version,mode,action,bucket,month,documents,bytes"
    )
    assert "Nothing is overdue in organization acme" in acme("overdue").output
    assert acme.json("overdue")["groups"] == []


def test_limits_show_what_is_used_of_them(acme: Cli, plan_id: str) -> None:
    acme("plans", "apply", plan_id, "--yes")

    shown = acme("limits", "show").output
    used = {
        one["scope"]: one["used"]
        for one in acme.json("limits", "show", "-o", "acme")["belts"]
        if not one["is_purge"]
    }

    assert "\u2588" in shown
    assert used == {"deployment": 3, "organization": 3, "rule": 3}
