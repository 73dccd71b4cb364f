"""NOTIFY and WEBHOOK: said once, with a job that carries all it needs."""

import json
from typing import Any

import pytest

from doclife.domain.actions import ActionType
from doclife.domain.plan import ShardOutcome
from doclife.lifecycle import applying, notifying, planning
from doclife.lifecycle.summarising import store_digests
from doclife.lifecycle.warning import warn_owners
from doclife.store import organizations
from doclife.store.connection import connect
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url

from .conftest import World, days_ago

pytestmark = pytest.mark.usefixtures("_jobs_that_fit")

DRAFTS = {"field": "document_type", "op": "eq", "value": "draft"}


def notify(**settings: Any) -> list[dict[str, Any]]:
    return [{"do": "NOTIFY", "with": {"to": "{{ document.owner }}", **settings}}]


def webhook(**settings: Any) -> list[dict[str, Any]]:
    return [{"do": "WEBHOOK", "with": {"endpoint": "case-system", **settings}}]


def jobs(world: World) -> list[dict[str, Any]]:
    rows = world.conn.execute("SELECT payload FROM jobs ORDER BY id")
    return [json.loads(payload) for (payload,) in rows]


def fallback(world: World, address: str | None) -> None:
    world.conn.execute("UPDATE organizations SET fallback_recipient = %s", (address,))


def test_an_email_job_carries_all_that_sending_needs(world: World) -> None:
    document = world.add_document("a.txt", document_type="draft", expires_on=days_ago(10))
    world.enforce(
        trigger={"type": "ON_EXPIRATION"}, when=DRAFTS, actions=notify(template="expiry-warning")
    )

    assert world.night() == {"rule@1": ShardOutcome(done=1)}

    [job] = jobs(world)
    assert job["to"] == "owner@example.org"
    assert "Title of a.txt" in job["subject"]
    assert "Title of a.txt" in job["text"]
    assert "<html" in job["html"]
    assert job["rule"] == "rule@1"
    assert job["due_on"] == days_ago(9).isoformat()
    assert job["document"]["id"] == document
    assert job["template"] == "expiry-warning"
    assert world.value("SELECT max_attempts FROM jobs") == 3
    assert world.value("SELECT plan_id FROM jobs") is not None
    assert world.value("SELECT job_id FROM notices") == world.value("SELECT id FROM jobs")
    assert world.value("SELECT job_id FROM job_keys") == world.value("SELECT id FROM jobs")
    audited = world.conn.execute(
        "SELECT action, rule, document_id FROM audit_entries WHERE action = 'document.notified'"
    ).fetchall()
    assert audited == [("document.notified", "rule@1", document)]


def test_a_message_without_a_due_date_does_not_repeat_every_night(world: World) -> None:
    world.add_document("a.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=notify())
    world.night()

    world.later(days=1)
    second = world.night()

    assert second == {"rule@1": ShardOutcome()}
    assert len(jobs(world)) == 1


def test_a_message_about_a_due_date_is_said_again_only_for_a_new_date(world: World) -> None:
    world.add_document("a.txt", document_type="draft", expires_on=days_ago(10))
    world.enforce(trigger={"type": "ON_EXPIRATION"}, when=DRAFTS, actions=notify())
    world.night()
    world.later(days=1)
    world.night()
    assert len(jobs(world)) == 1

    world.conn.execute("UPDATE documents SET expires_on = %s", (days_ago(2),))
    world.later(days=1)
    world.night()

    assert len(jobs(world)) == 2


def test_what_another_plan_said_meanwhile_is_skipped(world: World) -> None:
    document = world.add_document("a.txt", document_type="draft")
    version = world.enforce(when=DRAFTS, actions=notify())
    [summary] = world.plan()
    world.conn.execute(
        "INSERT INTO notices (organization_id, rule_id, action_index, document_id, created_at)"
        " VALUES (1, %s, 0, %s, %s)",
        (version.rule_id, document, world.now),
    )

    assert world.apply(summary.plan_id) == ShardOutcome(skipped=1)

    assert world.items(summary.plan_id) == {"a.txt": ("skipped", "already_told")}
    assert jobs(world) == []


def test_applying_again_stores_nothing_twice(world: World) -> None:
    for number in range(7):
        world.add_document(f"{number}.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=notify())
    [summary] = world.plan()
    world.apply(summary.plan_id)

    assert world.apply(summary.plan_id) == ShardOutcome()
    assert len(jobs(world)) == 7


def test_a_crash_between_batches_loses_and_doubles_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "BATCH_SIZE", 3)
    for number in range(8):
        world.add_document(f"{number}.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=notify())
    [summary] = world.plan()
    [shard] = applying.start(world.conn, plan_id=summary.plan_id, now=world.now)
    clock = iter([world.now, world.now])  # start and one batch, then it is gone

    with pytest.raises(StopIteration):
        applying.apply_shard(
            world.conn, shard=shard, now=lambda: next(clock), actor="a", stores=world.stores
        )

    assert len(jobs(world)) == 3
    states = [state for state, _ in world.items(summary.plan_id).values()]
    assert states.count("done") == 3
    world.apply(summary.plan_id)
    assert len(jobs(world)) == 8
    assert world.value("SELECT count(DISTINCT payload::jsonb #> '{document,id}') FROM jobs") == 8
    assert world.value("SELECT done_count FROM plan_shards") == 8


def test_a_job_exists_if_and_only_if_its_item_is_done(world: World) -> None:
    world.add_document("good.txt", document_type="draft")
    world.add_document("nobody.txt", document_type="draft", owner=None)
    world.add_document("odd.txt", document_type="draft", owner="not an address")
    world.enforce(when=DRAFTS, actions=notify())
    [summary] = world.plan()

    assert world.apply(summary.plan_id) == ShardOutcome(done=1, failed=2)

    assert world.items(summary.plan_id) == {
        "good.txt": ("done", None),
        "nobody.txt": ("failed", "no_recipient"),
        "odd.txt": ("failed", "no_recipient"),
    }
    assert [job["document"]["external_id"] for job in jobs(world)] == ["good.txt"]
    assert world.value("SELECT count(*) FROM notices") == 1
    reason = world.value(
        "SELECT item.reason FROM plan_items AS item JOIN documents AS d ON d.id = item.document_id"
        " WHERE d.external_id = 'odd.txt'"
    )
    assert "'not an address' is no address" in reason


def test_what_had_nobody_to_tell_is_tried_again_the_next_night(world: World) -> None:
    world.add_document("a.txt", document_type="draft", owner=None)
    world.enforce(when=DRAFTS, actions=notify())
    world.night()
    fallback(world, "records@example.org")
    world.later(days=1)

    assert world.night() == {"rule@1": ShardOutcome(done=1)}
    assert jobs(world)[0]["to"] == "records@example.org"


@pytest.mark.parametrize(
    "owner", ["", "Ann <ann@example.org>", "ann@example.org\nBcc: x@example.org", "ann@localhost"]
)
def test_an_owner_that_is_no_plain_address_is_replaced_by_the_fallback(
    world: World, owner: str
) -> None:
    fallback(world, "records@example.org")
    world.add_document("a.txt", document_type="draft", owner=owner)
    world.enforce(when=DRAFTS, actions=notify())

    world.night()

    assert jobs(world)[0]["to"] == "records@example.org"


def test_a_misspelt_recipient_fails_with_the_reason_and_harms_no_other_rule(world: World) -> None:
    world.add_document("a.txt", document_type="draft")
    world.enforce("misspelt", when=DRAFTS, actions=notify(to="{{ document.title.ownr }}"))
    world.enforce("right", when=DRAFTS, actions=notify())

    outcomes = world.night()

    assert outcomes == {"misspelt@1": ShardOutcome(failed=1), "right@1": ShardOutcome(done=1)}
    reason = world.value("SELECT reason FROM plan_items WHERE state = 'failed'")
    assert "no field 'ownr'" in reason


@pytest.mark.parametrize(
    "title",
    [
        "<script>alert(1)</script>",
        "{{ 7*7 }}",
        "invoice\r\nBcc: everybody@example.org",
        "\u202egnp.exe",
        "{% for a in range(10) %}x{% endfor %}",
    ],
)
def test_hostile_titles_are_only_text(world: World, title: str) -> None:
    world.add_document("a.txt", document_type="draft", title=title)
    world.enforce(when=DRAFTS, actions=notify())

    world.night()

    [job] = jobs(world)
    assert "<script>" not in job["html"]
    assert "49" not in job["subject"] + job["text"]
    assert "xxx" not in job["text"]
    assert "\u202e" not in job["subject"] + job["text"] + job["html"]
    assert not any(ord(character) < 32 for character in job["subject"])
    assert not any(line.startswith("Bcc") for line in job["text"].splitlines())


def test_daily_messages_wait_for_the_digest(world: World) -> None:
    world.add_document("a.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=notify(digest="daily"))

    assert world.night() == {"rule@1": ShardOutcome(done=1)}

    assert jobs(world) == []
    row = world.conn.execute("SELECT recipient, type FROM notifications").fetchone()
    assert row == ("owner@example.org", "daily:notice")
    assert world.value("SELECT count(*) FROM notices") == 1


def test_dashboard_messages_may_name_a_user(world: World) -> None:
    world.add_document("a.txt", document_type="draft", owner="olga")
    world.enforce(when=DRAFTS, actions=notify(channel="notification"))

    world.night()

    row = world.conn.execute("SELECT recipient, type, title FROM notifications").fetchone()
    assert row == ("olga", "notice", "Title of a.txt: notice of rule rule")


def test_slack_messages_cannot_call_a_channel(world: World) -> None:
    world.add_document("a.txt", document_type="draft", title="<!channel> & <http://x|bank>")
    world.enforce(when=DRAFTS, actions=notify(channel="slack", to="#records"))

    world.night()

    [job] = jobs(world)
    assert world.value("SELECT kind FROM jobs") == "slack"
    assert job["channel"] == "#records"
    assert "&lt;!channel&gt; &amp; &lt;http://x|bank&gt;" in job["text"]
    assert job["blocks"][0]["text"]["verbatim"] is True


def test_messages_speak_the_language_of_the_organization(world: World) -> None:
    world.conn.execute("UPDATE organizations SET locale = 'es-MX'")
    world.add_document("a.txt", document_type="draft", expires_on=days_ago(10))
    world.enforce(trigger={"type": "ON_EXPIRATION"}, when=DRAFTS, actions=notify())

    world.night()

    [job] = jobs(world)
    assert "aviso de la regla" in job["subject"]
    assert "21 de febrero de 2026" in job["text"]
    assert '<html lang="es">' in job["html"]


def test_a_webhook_job_carries_the_event_and_finds_its_endpoint(world: World) -> None:
    endpoint = world.value(
        "INSERT INTO webhook_endpoints (organization_id, name, url, created_by)"
        " VALUES (1, 'case-system', 'https://example.org/hook', 'user:olga') RETURNING id"
    )
    document = world.add_document(
        "a.txt", document_type="draft", metadata={"case": "4711"}, expires_on=days_ago(10)
    )
    world.enforce(
        trigger={"type": "ON_EXPIRATION"},
        when=DRAFTS,
        actions=webhook(headers={"X-Source": "doclife"}, timeout="10s"),
    )

    assert world.night() == {"rule@1": ShardOutcome(done=1)}

    [job] = jobs(world)
    assert job["type"] == "document.due"
    assert job["data"]["document"]["id"] == document
    assert job["data"]["document"]["metadata"] == {"case": "4711"}
    assert job["data"]["rule"] == "rule@1"
    assert job["data"]["due_on"] == days_ago(9).isoformat()
    assert job["headers"] == {"X-Source": "doclife"}
    assert "url" not in job
    row = world.conn.execute(
        "SELECT kind, endpoint_id, max_attempts, timeout_seconds FROM jobs"
    ).fetchone()
    assert row == ("webhook", endpoint, 10, 10)


def test_a_webhook_to_an_endpoint_not_set_up_yet_keeps_its_name(world: World) -> None:
    world.add_document("a.txt", document_type="draft")
    world.enforce(when=DRAFTS, actions=webhook())

    world.night()

    assert jobs(world)[0]["endpoint"] == "case-system"
    assert jobs(world)[0]["type"] == "document.matched"
    assert world.value("SELECT endpoint_id FROM jobs") is None


def test_a_webhook_leaves_out_metadata_that_is_too_large(world: World) -> None:
    world.add_document("a.txt", document_type="draft", metadata={"text": "x" * 20_000})
    world.enforce(when=DRAFTS, actions=webhook())

    world.night()

    [job] = jobs(world)
    assert job["data"]["document"]["metadata"] == {}
    assert job["data"]["document"]["metadata_omitted"] is True


def test_a_selection_notifies_by_its_own_settings(world: World) -> None:
    document = world.add_document("a.txt")

    for run in ("first", "second"):
        summary = planning.plan_selection(
            world.conn,
            organization="default",
            action=ActionType.NOTIFY,
            document_ids=[document],
            now=world.now,
            as_of=world.now,
            dag_id="mine",
            run_id=run,
            requested_by="user:olga",
            reason="please look",
            options={"to": "legal@example.org"},
        )
        assert world.apply(summary.plan_id) == ShardOutcome(done=1)
        assert world.apply(summary.plan_id) == ShardOutcome()

    # What a person asks for twice is said twice.
    assert [job["to"] for job in jobs(world)] == ["legal@example.org", "legal@example.org"]


def test_the_role_of_tasks_may_do_all_of_it(world: World, postgres: Postgres) -> None:
    world.add_document("a.txt", document_type="draft", expires_on=days_ago(-5))
    world.enforce("tell", when=DRAFTS, actions=notify())
    world.enforce("call", when=DRAFTS, actions=webhook())
    world.enforce(
        "warn",
        trigger={"type": "ON_EXPIRATION"},
        when=DRAFTS,
        warn=["7d"],
        actions=[{"do": "DELETE"}],
    )

    with connect(role_url(postgres, world.conn.info.dbname, role=databases.TASKS)) as conn:
        world.conn = conn
        world.night()
        warned = warn_owners(
            conn,
            now=world.now,
            as_of=world.now,
            actor="schedule",
            organization=organizations.find(conn, "default"),
        )
        digests = store_digests(
            conn,
            now=world.now,
            as_of=world.now,
            actor="schedule",
            dag_id="d",
            run_id="r",
            is_early=True,
        )
        assert world.value("SELECT count(*) FROM jobs") == 4

    assert (warned, digests.jobs) == (1, 1)
