"""The promises of plan, apply, undo, breaker and halt, kept by real DAG runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import bagit
import pytest
from airflow.utils.types import DagRunType

from doclife.lifecycle.halting import halt, resume
from doclife.lifecycle.holding import hold
from tests.dags.airflow_runs import Run, asset_counts
from tests.dags.catalogue import (
    DELETE_OLD_TEMP,
    NAME,
    actors,
    add_documents,
    add_store,
    allow_everything,
    apply_rules,
    column,
    document_id,
    files_below,
    import_files,
    plan_states,
    rule,
    statuses,
)

pytestmark = pytest.mark.usefixtures("documents_connection")


@pytest.fixture
def nightly(dags):
    """A function that queues a run of the rules, as the user olga."""

    def create(**options) -> Run:
        return Run(dags["execute_automation_rules"], **options).create()

    return create


class TestApply:
    def test_does_what_is_due_and_nothing_else(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due-1", "due-2")
        add_documents(conn, "kept", tags=())
        apply_rules(conn, DELETE_OLD_TEMP)

        run = nightly()

        assert run.go_on() == "success", run.states()
        assert statuses(conn) == {"due-1": "deleted", "due-2": "deleted", "kept": "active"}
        assert plan_states(conn) == ["applied"]
        assert run.states()["archive"] == ["skipped"], "nothing to archive is no failure"
        assert asset_counts("doclife_automation_rules")["delete_done"] == 2

    def test_names_the_airflow_user_as_the_actor(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)

        nightly(user="olga").go_on()

        assert actors(conn) == {"user:olga"}

    def test_names_the_schedule_when_nobody_triggered_it(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)

        nightly(user=None, run_type=DagRunType.SCHEDULED).go_on()

        assert actors(conn) == {"schedule"}

    def test_an_empty_night_is_green_and_still_publishes_its_counts(self, nightly, conn):
        apply_rules(conn, DELETE_OLD_TEMP)

        assert nightly().go_on() == "success"
        assert asset_counts("doclife_automation_rules")["plans"] == 1

    def test_the_forecast_is_of_the_present_whatever_moment_was_asked_for(self, nightly, conn):
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)

        nightly(conf={"as_of": "2026-01-01T00:00:00+00:00", "mode": "simulate"}).go_on()
        due = "SELECT due_on FROM dispositions"
        asked = column(conn, due)
        nightly(conf={"mode": "simulate"}).go_on()

        assert asked == column(conn, due)
        assert asked

    def test_clearing_everything_afterwards_does_nothing_twice(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)
        run = nightly()
        run.go_on()
        before = column(conn, "SELECT count(*) FROM audit_entries WHERE document_id IS NOT NULL")

        run.clear(*run.states())

        assert run.go_on() == "success", run.states()
        assert plan_states(conn) == ["applied"]
        assert (
            column(conn, "SELECT count(*) FROM audit_entries WHERE document_id IS NOT NULL")
            == before
        )

    def test_a_message_and_a_call_are_queued_once(self, nightly, conn):
        add_documents(conn, "due")
        apply_rules(
            conn,
            rule(
                '{do: NOTIFY, with: {channel: email, to: "{{ document.owner }}"}}\n'
                "      - {do: WEBHOOK, with: {endpoint: case-system}}"
            ),
        )

        assert nightly().go_on() == "success"
        assert nightly().go_on() == "success"
        assert sorted(column(conn, "SELECT kind FROM jobs")) == ["email", "webhook"]


class TestBytes:
    def test_archived_files_are_a_valid_bag_and_come_back_when_undone(
        self, nightly, dags, conn, tmp_path
    ):
        allow_everything(conn)
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        (inbox / "letter.txt").write_text("Dear Sir")
        import_files(conn, inbox)
        add_store(conn, "archive", tmp_path / "archive")
        apply_rules(conn, rule("{do: ARCHIVE, with: {store: archive}}"))

        assert nightly().go_on() == "success"

        assert statuses(conn) == {"inbox/letter.txt": "archived"}
        (bag,) = [path.parent for path in (tmp_path / "archive").rglob("bagit.txt")]
        assert bagit.Bag(str(bag)).validate()
        plan_id = column(conn, "SELECT id FROM plans WHERE kind = 'rule'")[0]
        assert Run(dags["undo_a_plan"], conf={"plan": plan_id}).create().go_on() == "success"
        assert statuses(conn) == {"inbox/letter.txt": "active"}
        assert (inbox / "letter.txt").read_text() == "Dear Sir"

    def test_only_the_weekly_cleanup_destroys_bytes_and_only_after_grace(
        self, nightly, dags, conn, tmp_path
    ):
        allow_everything(conn)
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        (inbox / "draft.txt").write_text("Never mind")
        import_files(conn, inbox)
        apply_rules(conn, rule("{do: DELETE, with: {certificate: true}}", more="grace: 1d"))
        nightly().go_on()

        assert Run(dags["weekly_cleanup"]).create().go_on() == "success"
        assert "draft.txt" in files_below(inbox), "still in its grace period"

        conn.execute("UPDATE documents SET purge_after = CURRENT_DATE - 1")
        assert Run(dags["weekly_cleanup"]).create().go_on() == "success"
        assert list(statuses(conn).values()) == ["purged"]
        assert "draft.txt" not in files_below(inbox)
        assert column(conn, "SELECT body ->> 'documents' FROM certificates") == ["1"]

    def test_changed_bytes_make_the_run_red_and_stay(self, nightly, dags, conn, tmp_path, capsys):
        allow_everything(conn)
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        (inbox / "draft.txt").write_text("Never mind")
        import_files(conn, inbox)
        apply_rules(conn, DELETE_OLD_TEMP)
        nightly().go_on()
        conn.execute("UPDATE documents SET purge_after = CURRENT_DATE - 1")
        (inbox / "draft.txt").write_text("I do mind!")

        run = Run(dags["weekly_cleanup"]).create()

        assert run.go_on() == "failed"
        assert run.states()["finish"] == ["failed"]
        assert run.states()["certificates"] == ["failed"], "or the run would be green"
        assert column(conn, "SELECT count(*) FROM certificates") == [0]
        assert (inbox / "draft.txt").read_text() == "I do mind!"
        assert "could not be done" in capsys.readouterr().out


class TestUndo:
    def test_takes_back_what_a_run_did_and_the_next_night_leaves_it_alone(
        self, nightly, dags, conn
    ):
        allow_everything(conn)
        add_documents(conn, "due-1", "due-2")
        apply_rules(conn, DELETE_OLD_TEMP)
        nightly().go_on()
        plan_id = column(conn, "SELECT id FROM plans")[0]

        undo = Run(dags["undo_a_plan"], conf={"plan": plan_id}, user="rita").create()

        assert undo.go_on() == "success"
        assert statuses(conn) == {"due-1": "active", "due-2": "active"}
        assert plan_states(conn) == ["undone"]
        assert "user:rita" in actors(conn)
        nightly().go_on()
        assert statuses(conn) == {"due-1": "active", "due-2": "active"}


class TestBreaker:
    def test_a_plan_that_is_too_large_acts_on_nothing_and_waits(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, *(f"due-{number}" for number in range(10)))
        apply_rules(conn, rule("{do: DELETE}", limits="max_documents: 9, max_fraction: 1.0"))

        assert nightly().go_on() == "success", "waiting for a person is no failure"

        assert set(statuses(conn).values()) == {"active"}
        assert plan_states(conn) == ["needs_approval"]
        assert asset_counts("doclife_automation_rules")["waiting_for_approval"] == 1

    def test_what_waits_for_approval_is_not_applied_by_asking(self, nightly, dags, conn, capsys):
        add_documents(conn, *(f"due-{number}" for number in range(10)))
        apply_rules(conn, DELETE_OLD_TEMP)
        nightly().go_on()
        assert plan_states(conn) == ["needs_approval"], "more than a fifth of the organization"
        plan_id = column(conn, "SELECT id FROM plans")[0]

        run = Run(dags["run_rule"], conf={"plan_id": plan_id}).create()

        assert run.go_on() == "failed"
        assert run.tries("plan") == [1]
        assert f"plan {plan_id} waits for approval" in capsys.readouterr().out
        assert set(statuses(conn).values()) == {"active"}

    def test_a_selection_that_is_too_large_fails_at_once_and_names_its_plan(
        self, dags, conn, capsys
    ):
        add_documents(conn, "one", "two", "three")

        run = Run(dags["clean_up_inbox"], conf={"documents": ["one", "two"]}).create()

        assert run.go_on() == "failed"
        assert run.tries("delete") == [1]
        assert "waits for approval" in capsys.readouterr().out
        assert plan_states(conn) == ["needs_approval"]
        assert set(statuses(conn).values()) == {"active"}


class TestHalt:
    def test_a_halted_night_fails_without_retry_and_goes_on_after_it(self, nightly, conn, capsys):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)
        halt(conn, reason="something looks wrong", actor="user:rita", now=datetime.now(UTC))

        run = nightly()

        assert run.go_on() == "failed"
        assert run.tries("plan") == [1]
        assert "something looks wrong" in capsys.readouterr().out
        assert statuses(conn) == {"due": "active"}

        resume(conn, actor="user:rita", now=datetime.now(UTC))
        run.clear(*run.states())
        assert run.go_on() == "success", run.states()
        assert statuses(conn) == {"due": "deleted"}
        assert plan_states(conn) == ["applied"]

    def test_a_halt_between_plan_and_shard_stops_the_shard(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)
        run = nightly()
        run.go_on(until="plan")
        halt(conn, reason="stop", actor="user:rita", now=datetime.now(UTC))

        assert run.go_on() == "failed"
        assert run.states()["delete"] == ["failed"]
        assert run.tries("delete") == [1]
        assert run.states()["finish"] == ["failed"], "the run does not end green"
        assert statuses(conn) == {"due": "active"}

        resume(conn, actor="user:rita", now=datetime.now(UTC))
        run.clear("delete", "finish")
        assert run.go_on() == "success", run.states()
        assert statuses(conn) == {"due": "deleted"}


class TestRecheck:
    def test_a_hold_placed_after_planning_is_respected(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due", "claimed")
        apply_rules(conn, DELETE_OLD_TEMP)
        run = nightly()
        run.go_on(until="plan")

        hold(
            conn,
            organization="default",
            matter="Case 7",
            reason="court order",
            document_ids=[document_id(conn, "claimed")],
            actor="user:rita",
            now=datetime.now(UTC),
        )

        assert run.go_on() == "success", run.states()
        assert statuses(conn) == {"claimed": "active", "due": "deleted"}
        counts = asset_counts("doclife_automation_rules")
        assert (counts["delete_done"], counts["delete_skipped"]) == (1, 1)

    def test_a_rule_switched_off_after_planning_does_nothing_any_more(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)
        run = nightly()
        run.go_on(until="plan")

        apply_rules(conn, rule("{do: DELETE}", mode="off"))

        run.go_on()
        assert statuses(conn) == {"due": "active"}


class TestForm:
    def test_simulating_everything_changes_nothing_and_may_look_ahead(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)
        next_year = (datetime.now(UTC) + timedelta(days=365)).isoformat()

        run = nightly(conf={"mode": "simulate", "as_of": next_year})

        assert run.go_on() == "success", run.states()
        assert column(conn, "SELECT mode FROM plans") == ["simulate"]
        assert statuses(conn) == {"due": "active"}
        counts = asset_counts("doclife_automation_rules")
        assert (counts["simulated"], counts["delete_simulated"]) == (1, 1)

    def test_the_future_is_never_enforced(self, nightly, conn):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()

        run = nightly(conf={"as_of": tomorrow})

        assert run.go_on() == "failed"
        assert run.tries("plan") == [1]
        assert statuses(conn) == {"due": "active"}

    def test_one_rule_is_simulated_first_and_then_enforced(self, dags, conn):
        allow_everything(conn)
        add_documents(conn, "due")
        apply_rules(conn, DELETE_OLD_TEMP)

        assert Run(dags["run_rule"], conf={"rule": NAME}).create().go_on() == "success"
        assert statuses(conn) == {"due": "active"}

        conf = {"rule": NAME, "mode": "enforce"}
        assert Run(dags["run_rule"], conf=conf).create().go_on() == "success"
        assert statuses(conn) == {"due": "deleted"}
        assert column(conn, "SELECT mode FROM plans ORDER BY id") == ["simulate", "enforce"]

    def test_a_rule_that_only_simulates_is_not_enforced_by_asking(self, dags, conn):
        apply_rules(conn, rule("{do: DELETE}", mode="simulate"))

        run = Run(dags["run_rule"], conf={"rule": NAME, "mode": "enforce"}).create()

        assert run.go_on() == "failed"
        assert run.tries("plan") == [1]

    def test_a_rule_that_does_not_exist_fails_at_once(self, dags, conn):
        run = Run(dags["run_rule"], conf={"rule": "no-such-rule"}).create()

        assert run.go_on() == "failed"
        assert run.tries("plan") == [1]


class TestSelection:
    def test_somebodys_dag_deletes_what_its_form_names(self, dags, conn):
        allow_everything(conn)
        add_documents(conn, "one", "two", "three")

        run = Run(dags["clean_up_inbox"], conf={"documents": ["one", "three"]}).create()

        assert run.go_on() == "success", run.states()
        assert statuses(conn) == {"one": "deleted", "three": "deleted", "two": "active"}
        reasons = column(conn, "SELECT reason FROM plan_items")
        assert all("asked for by olga" in reason for reason in reasons), reasons

    def test_somebodys_dag_deletes_what_a_task_before_it_found(self, dags, conn):
        allow_everything(conn)
        add_documents(conn, "one", "two")

        assert Run(dags["delete_duplicates"]).create().go_on() == "success"
        assert statuses(conn) == {"one": "active", "two": "deleted"}

    def test_a_cleared_task_finds_its_own_plan(self, dags, conn):
        allow_everything(conn)
        add_documents(conn, "one")
        run = Run(dags["clean_up_inbox"], conf={"documents": ["one"]}).create()
        run.go_on()

        run.clear("delete")

        assert run.go_on() == "success", run.states()
        assert plan_states(conn) == ["applied"]

    def test_an_unknown_name_fails_at_once_and_nothing_is_done(self, dags, conn, capsys):
        allow_everything(conn)
        add_documents(conn, "one")

        run = Run(dags["clean_up_inbox"], conf={"documents": ["one", "onne"]}).create()

        assert run.go_on() == "failed"
        assert run.tries("delete") == [1]
        assert "'onne'" in capsys.readouterr().out
        assert statuses(conn) == {"one": "active"}


class TestFailure:
    def test_a_database_that_is_away_is_tried_again(self, nightly, conn, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_DOCUMENTS", "postgresql://nobody@127.0.0.1:9/none")

        run = nightly()
        run.go_on()

        assert run.states()["expire"] == ["up_for_retry"]

    def test_a_red_run_tells_the_operators_once(self, dags, conn):
        Run(dags["run_rule"], conf={"rule": "no-such-rule"}).create().go_on()

        alerts = conn.execute("SELECT recipient, title, body FROM notifications").fetchall()

        assert [(recipient, title) for recipient, title, _body in alerts] == [
            ("role:operator", "DAG run_rule failed")
        ]
        assert "/dags/run_rule/runs/" in alerts[0][2]


class TestOtherDags:
    def test_expiry_is_found_and_counted(self, dags, conn):
        add_documents(conn, "expired", tags=())
        conn.execute("UPDATE documents SET expires_on = CURRENT_DATE - 3")

        assert Run(dags["check_expired_documents"]).create().go_on() == "success"

        assert column(conn, "SELECT expired_at IS NOT NULL FROM documents") == [True]
        assert asset_counts("doclife_expired_documents")["expired"] == 1

    def test_the_rules_see_what_expired_though_nobody_checked_before(self, nightly, conn):
        add_documents(conn, "expired", tags=())
        conn.execute("UPDATE documents SET expires_on = CURRENT_DATE - 3")

        assert nightly().go_on() == "success"
        assert column(conn, "SELECT expired_at IS NOT NULL FROM documents") == [True]

    def test_summaries_are_queued_once_a_day(self, dags, conn):
        conn.execute("UPDATE organizations SET fallback_recipient = 'records@example.org'")
        add_documents(conn, "expiring", tags=())
        conn.execute("UPDATE documents SET expires_on = CURRENT_DATE + 1")

        assert Run(dags["send_daily_summaries"]).create().go_on() == "success"
        first = column(conn, "SELECT count(*) FROM jobs")
        assert Run(dags["send_daily_summaries"]).create().go_on() == "success"

        assert first[0] >= 1
        assert column(conn, "SELECT count(*) FROM jobs") == first
