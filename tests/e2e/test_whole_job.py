"""The whole job, as its users do it: ./run, the command line, and four DAGs through Airflow's API.

One start of the real stack for all tests of this file. The fixture ``night`` does what people do
from the first import to the weekly cleanup, once; the tests look at what became of it.
"""

from __future__ import annotations

import shutil
import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import bagit
import pytest

from local.errors import LocalError
from local.first_run import DAGS
from tests.e2e.airflow_user import AirflowUser
from tests.e2e.far_system import FarSystem
from tests.e2e.papers import OWNERS, SECRET, STATUS, Fate, Tree, digests, sha256, write_tree
from tests.e2e.people import until
from tests.e2e.stack import OURS, Stack, running
from tests.local.checkout import zone_of_night

pytestmark = pytest.mark.timeout(1800)

HERE = Path(__file__).parent
RECORDS = "records@example.org"
CHECK, RULES, SUMMARIES, CLEANUP = DAGS
REASONS = {
    Fate.ARCHIVED: ("ARCHIVE", "done", None),
    Fate.UNDATED: ("DELETE", "skipped", "retained"),
    Fate.PURGED: ("DELETE", "done", None),
    Fate.EVIDENCE: ("DELETE", "skipped", "retained"),
    Fate.HELD: ("DELETE", "skipped", "held"),
    Fate.TRASHED: ("DELETE", "done", None),
    Fate.UNREAD: ("ARCHIVE", "planned", None),
}
"""What execute_automation_rules decided about archiving and deleting: action, outcome, why not."""


@dataclass(frozen=True, kw_only=True)
class Night:
    """What people did, in this order, and what they saw on the way."""

    tree: Tree
    imported: dict[str, Any]
    runs: dict[str, str]
    """The run of each of the four DAGs."""
    files_before_cleanup: dict[str, str]
    cleared: list[str]
    """Tasks of execute_automation_rules that were cleared after it, and ran again."""
    traces: tuple[dict[str, int], dict[str, int]]
    """Counts before and after that."""
    chosen_plan: int
    """The plan that was stored by command and applied through run_rule."""
    chosen_run: str


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the system without samples; leave nothing of it behind."""
    with running(tmp_path_factory.mktemp("whole job") / "my project") as stack:
        yield stack


@pytest.fixture(scope="module")
def night(stack: Stack) -> Night:
    """From the first import to the weekly cleanup; each DAG by another user who may."""
    now = datetime.now(UTC)
    today = now.astimezone(ZoneInfo(zone_of_night(now))).date()
    tree = write_tree(stack.home.folder / "papers", today=today)
    imported = bring_in(stack, tree)
    officer, clerk, admin = (stack.user(name) for name in ("officer", "clerk", "admin"))
    runs = {CHECK: officer.run(CHECK)}
    runs[RULES] = officer.run(RULES)
    files_before_cleanup = digests(tree.folder)

    before = stack.traces()
    cleared = admin.clear(RULES, runs[RULES])
    assert admin.end_of(RULES, runs[RULES]) == "success"
    after = stack.traces()

    runs[SUMMARIES] = clerk.run(SUMMARIES)
    clerk.run(SUMMARIES)
    runs[CLEANUP] = admin.run(CLEANUP)
    chosen_plan = store_plan(stack, tree)
    return Night(
        tree=tree,
        imported=imported,
        runs=runs,
        files_before_cleanup=files_before_cleanup,
        cleared=cleared,
        traces=(before, after),
        chosen_plan=chosen_plan,
        chosen_run=officer.run("run_rule", plan_id=chosen_plan),
    )


def bring_in(stack: Stack, tree: Tree) -> dict[str, Any]:
    """Set up the organization, import the papers and apply the rules; return the import's report.

    A few of the papers also go into the organization ``default``, which keeps all its belts.
    """
    here = ("--organization", "papers")
    stack.archive.mkdir()
    stack.doclife(
        *("organizations", "add", "papers", "--cooling-off-days", "0"),
        *("--time-zone", zone_of_night(datetime.now(UTC))),
        *("--max-fraction-per-day", "1", "--fallback-recipient", RECORDS),
    )
    stack.doclife(
        *("organizations", "set", "default", "--time-zone", zone_of_night(datetime.now(UTC)))
    )
    stack.doclife("limits", "set", "--max-fraction-per-day", "1")
    stack.doclife("stores", "register", "papers", tree.folder)
    stack.doclife("stores", "register", "archive", stack.archive)
    stack.doclife("documents", "declare-field", "ended_on", "date", *here)
    imported = stack.doclife("documents", "import", tree.manifest, *here)
    stack.doclife("rules", "apply", HERE / "rules.yaml", *here)
    held = tree.names(Fate.HELD)
    stack.doclife("documents", "hold", "Case 7", *held, "--reason", "court order", *here)

    belted = stack.home.folder / "belted"
    belted.mkdir()
    for name in tree.names(Fate.LEFT_ALONE)[:10]:
        shutil.copy(tree.folder / name, belted / name.replace("/", "-"))
    stack.doclife(
        *("documents", "import", belted, "--type", "draft", "--expires-on", "2020-01-31"),
        *("--owner", OWNERS[0], "--baseline"),
    )
    stack.doclife("rules", "apply", HERE / "belted_rules.yaml")
    return imported


def store_plan(stack: Stack, tree: Tree) -> int:
    """Have some papers planned by hand, and return the plan's number."""
    (plan,) = stack.doclife(
        *("plans", "create", "--organization", "papers", "--action", "ARCHIVE"),
        *("--reason", "the cabinet is full", "--documents", *tree.names(Fate.CHOSEN)),
    )["plans"]
    assert plan["state"] == "planned"
    return int(plan["plan_id"])


def outcomes(stack: Stack, run_id: str) -> dict[str, set[tuple[Any, ...]]]:
    """Return what a run decided about archiving, deleting and destroying each paper."""
    found: dict[str, set[tuple[Any, ...]]] = {}
    for name, *outcome in stack.rows(
        "SELECT external_id, item.action, item.state, item.reason_code"
        " FROM plan_items AS item JOIN plans AS plan ON plan.id = item.plan_id"
        " JOIN documents AS document ON document.id = item.document_id"
        f" WHERE plan.run_id = %s AND document.{OURS}"
        " AND item.action NOT IN ('NOTIFY', 'WEBHOOK')",
        run_id,
    ):
        found.setdefault(name, set()).add(tuple(outcome))
    return found


def test_every_file_is_imported_where_it_lies(night):
    assert len(night.tree.papers) > 300
    assert night.imported["new"] == len(night.tree.papers)
    assert night.imported["problems"] == []


def test_every_paper_meets_its_fate_and_no_other(stack, night):
    destroyed = stack.tombstones(night.tree.names(Fate.PURGED))

    assert stack.statuses() == {
        destroyed.get(paper.name, paper.name): STATUS.get(paper.fate, "active")
        for paper in night.tree.papers
    }


def test_every_decision_is_stored_with_its_reason(stack, night):
    destroyed = stack.tombstones(night.tree.names(Fate.PURGED))
    assert outcomes(stack, night.runs[RULES]) == {
        destroyed.get(paper.name, paper.name): {REASONS[paper.fate]}
        for paper in night.tree.papers
        if paper.fate in REASONS
    }
    assert outcomes(stack, night.runs[CLEANUP]) == {
        **{key: {("PURGE", "done", None)} for key in destroyed.values()},
        **{name: {("REMOVE_ORIGINAL", "done", None)} for name in night.tree.names(Fate.ARCHIVED)},
    }
    why = stack.rows(
        "SELECT DISTINCT item.reason, rule.name FROM plan_items AS item"
        " JOIN documents AS document ON document.id = item.document_id"
        " LEFT JOIN rule_versions AS version ON version.id = item.blocking_rule_version_id"
        " LEFT JOIN rules AS rule ON rule.id = version.rule_id"
        f" WHERE document.{OURS} AND item.state = 'skipped'"
    )
    assert {rule for _, rule in why} == {None, "contracts-10y", "evidence-10y"}
    assert ("under 1 legal hold", None) in why


def test_what_is_in_the_trash_is_not_touched(night):
    before = {paper.name: paper.sha256 for paper in night.tree.papers}

    assert night.files_before_cleanup == before, "only the cleanup removes bytes"


def test_the_cleanup_removes_what_is_past_grace_and_every_other_file_is_the_same(night):
    gone = night.tree.names(Fate.PURGED, Fate.ARCHIVED)

    assert digests(night.tree.folder) == {
        paper.name: paper.sha256 for paper in night.tree.papers if paper.name not in gone
    }


def test_what_is_archived_is_in_valid_bags_byte_for_byte(stack, night):
    bags = [file.parent for file in stack.archive.rglob("bagit.txt")]
    assert len(bags) == stack.column("SELECT count(*) FROM archive_bags WHERE state = 'sealed'")[0]
    for folder in bags:
        assert bagit.Bag(str(folder)).validate()

    archived = stack.rows(
        "SELECT document.external_id, bag.uri, object.uri FROM documents AS document"
        " JOIN stored_objects AS object ON object.id = document.archived_object_id"
        " JOIN archive_bags AS bag ON bag.id = object.bag_id"
    )
    assert sorted(name for name, _, _ in archived) == night.tree.names(Fate.ARCHIVED, Fate.CHOSEN)
    digest = {paper.name: paper.sha256 for paper in night.tree.papers}
    for name, bag, uri in archived:
        assert uri.startswith(f"{bag}/data/")
        assert sha256(Path(unquote(uri.removeprefix("file://")))) == digest[name]
    payloads = [file for bag in bags for file in (bag / "data").rglob("*") if file.is_file()]
    assert len(payloads) == len(archived)


def test_only_a_tombstone_is_left_of_what_was_destroyed(stack, night):
    tombstones = stack.rows(
        "SELECT external_id, title, owner, tags, metadata, stored_object_id FROM documents"
        " WHERE status = 'purged' ORDER BY external_id COLLATE \"C\""
    )

    keys = stack.tombstones(night.tree.names(Fate.PURGED)).values()
    assert tombstones == [(key, None, None, None, {}, None) for key in sorted(keys)]


def test_who_did_it_is_the_user_who_triggered_the_run(stack, night):
    person = f"cli:{getuser()}"
    done_by = set(
        stack.rows(
            "SELECT DISTINCT entry.action, entry.actor, entry.rule FROM audit_entries AS entry"
            f" WHERE entry.{OURS} AND entry.document_id IS NOT NULL"
        )
    )

    assert done_by == {
        ("document.registered", person, None),
        ("document.held", person, None),
        ("document.expired", "user:officer", None),
        ("document.warned", "user:officer", "policies-expire-soon@1"),
        ("document.notified", "user:officer", "policies@1"),
        ("document.webhook_queued", "user:officer", "policies@1"),
        ("document.trashed", "user:officer", "expired-drafts@1"),
        ("document.trashed", "user:officer", "temporary@1"),
        ("document.archived", "user:officer", "contracts-10y@1"),
        ("document.archived", "user:officer", None),
        ("document.original_removed", "user:admin", "contracts-10y@1"),
        ("document.purging", "user:admin", "expired-drafts@1"),
        ("document.purged", "user:admin", "expired-drafts@1"),
    }
    asked = set(stack.rows("SELECT DISTINCT run_id, requested_by FROM plans"))
    assert asked >= {
        (night.runs[RULES], "user:officer"),
        (night.runs[CLEANUP], "user:admin"),
    }
    assert stack.column("SELECT requested_by FROM plans WHERE id = %s", night.chosen_plan) == [
        person
    ]
    assert stack.column("SELECT DISTINCT requested_by FROM jobs WHERE unique_key ~ '^digest'") == [
        "user:clerk"
    ]
    assert stack.user("viewer").triggered_by(CLEANUP, night.runs[CLEANUP]) == "admin"


def test_every_change_has_one_audit_entry_and_every_expiry_one_event(stack, night):
    entries = dict(
        stack.rows(
            "SELECT action, count(*) FROM audit_entries"
            f" WHERE {OURS} AND document_id IS NOT NULL GROUP BY action"
        )
    )
    count = {fate: len(night.tree.names(fate)) for fate in Fate}
    expired = sum(count[fate] for fate in (Fate.PURGED, Fate.EVIDENCE, Fate.HELD, Fate.TOLD))

    assert entries == {
        "document.registered": len(night.tree.papers),
        "document.held": count[Fate.HELD],
        "document.expired": expired,
        "document.warned": count[Fate.WARNED],
        "document.notified": count[Fate.TOLD],
        "document.webhook_queued": count[Fate.TOLD],
        "document.archived": count[Fate.ARCHIVED] + count[Fate.CHOSEN],
        "document.trashed": count[Fate.PURGED] + count[Fate.TRASHED],
        "document.purging": count[Fate.PURGED],
        "document.purged": count[Fate.PURGED],
        "document.original_removed": count[Fate.ARCHIVED],
    }
    events = f"SELECT count(*) FROM events WHERE type = 'document.expired' AND {OURS}"
    assert stack.column(events) == [expired]


def test_history_and_asset_tell_the_same_numbers(stack, night):
    viewer = stack.user("viewer")
    count = {fate: len(night.tree.names(fate)) for fate in Fate}

    first, again = viewer.published(RULES, night.runs[RULES])
    assert again == first, "the run was cleared and ran twice"
    assert first == {
        "plans": 7,
        "simulated": 1,
        "waiting_for_approval": 0,
        "archive_done": count[Fate.ARCHIVED],
        "archive_simulated": count[Fate.UNREAD],
        "delete_done": count[Fate.PURGED] + count[Fate.TRASHED],
        "delete_skipped": count[Fate.EVIDENCE] + count[Fate.HELD] + count[Fate.UNDATED] + 10,
        "notify_done": count[Fate.TOLD],
        "webhook_done": count[Fate.TOLD],
    }
    of_the_run = stack.column("SELECT id FROM plans WHERE run_id = %s", night.runs[RULES])
    listed = {
        plan["rule"]: plan
        for plan in stack.doclife("plans", "list", "--organization", "papers")["plans"]
        if plan["plan_id"] in of_the_run
    }
    assert {name: (plan["mode"], plan["state"]) for name, plan in listed.items()} == {
        "contracts-10y@1": ("enforce", "applied"),
        "expired-drafts@1": ("enforce", "applied"),
        "temporary@1": ("enforce", "applied"),
        "policies@1": ("enforce", "applied"),
        "policies-expire-soon@1": ("enforce", "applied"),
        "unread-reports@1": ("simulate", "planned"),
    }
    (cleaned,) = viewer.published(CLEANUP, night.runs[CLEANUP])
    assert cleaned["purge_done"] == count[Fate.PURGED]
    assert cleaned["remove_original_done"] == count[Fate.ARCHIVED]


def test_clearing_a_run_repeats_it_and_does_nothing_twice(stack, night):
    before, after = night.traces

    assert {"expire", "plan", "archive", "delete", "notify", "webhook"} <= set(night.cleared)
    tries = stack.user("viewer").tries(RULES, night.runs[RULES])
    assert tries["plan"] == tries["finish"] == 2
    assert after == before


def test_owners_and_the_other_system_are_told_once(stack, night):
    jobs = stack.rows("SELECT kind, payload::jsonb FROM jobs WHERE unique_key !~ '^digest'")
    owners = {paper.name: paper.owner for paper in night.tree.papers}
    told, warned = night.tree.names(Fate.TOLD), night.tree.names(Fate.WARNED)
    mails = [payload for kind, payload in jobs if kind == "email"]
    calls = [payload for kind, payload in jobs if kind == "webhook"]

    assert len(jobs) == len(mails) + len(calls)
    assert sorted(mail["document"]["external_id"] for mail in mails) == sorted(told + warned)
    for mail in mails:
        assert mail["to"] == owners[mail["document"]["external_id"]]
        assert SECRET in mail["text"]
        assert SECRET in mail["html"]
    assert sorted(call["data"]["document"]["external_id"] for call in calls) == told
    assert {call["endpoint"] for call in calls} == {"intranet"}
    assert {call["data"]["rule"] for call in calls} == {"policies@1"}


def test_everybody_gets_one_digest_as_text_and_html(stack, night):
    stored = stack.rows(
        "SELECT organization.slug, payload::jsonb FROM jobs"
        " JOIN organizations AS organization ON organization.id = jobs.organization_id"
        " WHERE unique_key ~ '^digest'"
    )
    mails = {payload["to"]: payload for slug, payload in stored if slug == "papers"}

    assert sorted(p["to"] for slug, p in stored if slug == "papers") == sorted([*OWNERS, RECORDS])
    for recipient, mail in mails.items():
        assert mail["subject"]
        assert SECRET in mail["text"]
        assert SECRET in mail["html"]
        assert "</html>" in mail["html"]
        assert "<" not in mail["text"], recipient


def test_an_organization_that_is_cooling_off_loses_nothing(stack, night):
    assert stack.rows(
        "SELECT status, count(*) FROM documents AS document"
        f" WHERE NOT document.{OURS} GROUP BY status"
    ) == [("active", 10)]
    assert stack.rows(
        "SELECT item.state, item.reason_code, count(*) FROM plan_items AS item"
        " JOIN documents AS document ON document.id = item.document_id"
        f" WHERE NOT document.{OURS} GROUP BY 1, 2"
    ) == [("skipped", "cooling_off", 10)]
    told = stack.rows(f"SELECT type FROM events WHERE NOT {OURS} AND document_id IS NOT NULL")
    assert told == [], "a first import is quiet"


def test_a_stored_plan_is_applied_through_its_form_and_keeps_the_originals(stack, night):
    shown = stack.doclife("plans", "show", night.chosen_plan)

    assert shown["plan"]["state"] == "applied"
    assert [(c["action"], c["state"], c["documents"]) for c in shown["counts"]] == [
        ("ARCHIVE", "done", len(night.tree.names(Fate.CHOSEN)))
    ]
    (published,) = stack.user("viewer").published("run_rule", night.chosen_run)
    assert published["archive_done"] == len(night.tree.names(Fate.CHOSEN))
    assert (night.tree.folder / night.tree.names(Fate.CHOSEN)[0]).exists()


def test_the_form_simulates_the_future_and_changes_nothing(stack, night):
    before = stack.statuses()
    as_of = (datetime.now(UTC) + timedelta(days=300)).isoformat()

    run_id = stack.user("clerk").run(
        "run_rule", rule="contracts-10y", organization="papers", mode="simulate", as_of=as_of
    )

    assert stack.rows(
        "SELECT mode, state, requested_by, document_count FROM plans WHERE run_id = %s", run_id
    ) == [("simulate", "planned", "user:clerk", len(night.tree.names(Fate.RUNNING)))]
    assert stack.statuses() == before


def test_the_future_is_not_enforced_whoever_asks(stack, night):
    before = stack.statuses()
    admin = stack.user("admin")
    as_of = (datetime.now(UTC) + timedelta(days=300)).isoformat()

    run_id = admin.begin(
        "run_rule", rule="contracts-10y", organization="papers", mode="enforce", as_of=as_of
    )

    assert admin.end_of("run_rule", run_id) == "failed"
    assert admin.tries("run_rule", run_id)["plan"] == 1
    assert stack.statuses() == before


def test_a_form_takes_no_values_that_it_does_not_offer(stack, night):
    with pytest.raises(urllib.error.HTTPError) as refused:
        stack.user("admin").begin("run_rule", rule="contracts-10y", mode="at once")

    assert refused.value.code == 400


def test_viewers_look_and_strangers_do_not_even_that(stack, night):
    viewer = stack.user("viewer")

    assert viewer.run_state(RULES, night.runs[RULES]) == "success"
    for act in (
        lambda: viewer.begin(RULES),
        lambda: viewer.begin("run_rule", plan_id=night.chosen_plan),
        lambda: viewer.clear(RULES, night.runs[RULES]),
    ):
        with pytest.raises(LocalError, match="403"):
            act()
    with pytest.raises(LocalError, match="401"):
        AirflowUser(stack.port, name="viewer", password="guessed")


def test_no_title_is_in_a_log_or_an_xcom(stack, night):
    logs = [file for file in (stack.home.folder / ".local").rglob("*.log*") if file.is_file()]
    tasks = [file for file in logs if "dag_id=" in str(file)]
    assert len(tasks) > 20
    for file in logs:
        assert SECRET not in file.read_text(errors="replace"), file

    values = stack.airflow_rows("SELECT value::text FROM xcom")
    assert len(values) > 10
    assert not any(SECRET in str(value) for (value,) in values)


@pytest.fixture(scope="module")
def erp(stack: Stack) -> FarSystem:
    return FarSystem(stack, name="erp")


def test_a_triggerer_that_was_killed_goes_on_with_its_trigger(stack, erp):
    """process_queue as it is: by its trigger, in the running system."""
    until(lambda: stack.column("SELECT count(*) FROM job_workers") == [0], "the queue to rest")

    # Its end takes the whole system down, and whoever looks after that starts it again.
    stack.kill("triggerer")
    stack.start_again()
    erp.call(0)

    # Airflow gives a trigger to another triggerer half a minute after the last sign of life.
    until(lambda: erp.has(0), "the first call")


def test_a_trickle_of_jobs_goes_out_in_few_runs(stack, erp):
    runs = "SELECT count(*) FROM dag_run WHERE dag_id = 'process_queue'"
    (before,) = stack.airflow_rows(runs)[0]

    for number in range(1, 21):
        erp.call(number)
        time.sleep(0.5)
    until(lambda: erp.has(*range(1, 21)), "all calls")

    (after,) = stack.airflow_rows(runs)[0]
    # One or none, unless the machine is so busy that the first takes its time to begin.
    assert after - before <= 6
