"""What DAG authors and forms hand to the operators."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from jinja2 import Environment, StrictUndefined

from doclife.domain.plan import ShardRef
from doclife.errors import ConfigurationError
from doclife.operators.archive import ArchiveOperator
from doclife.operators.delete import DeleteOperator
from doclife.operators.moment import AS_OF, parse_moment
from doclife.operators.notify import NotifyOperator
from doclife.operators.plan_rules import only_simulated, parse_mode
from doclife.operators.selection import as_document_ids, chosen
from doclife.operators.shards import deal, parse_shards
from doclife.operators.webhook import WebhookOperator

RUN_AFTER = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


class TestMoment:
    @staticmethod
    def render(params: dict) -> str:
        environment = Environment(undefined=StrictUndefined, autoescape=False)
        environment.filters["ts"] = datetime.isoformat
        run = type("Run", (), {"run_after": RUN_AFTER})
        return environment.from_string(AS_OF).render(params=params, dag_run=run)

    def test_is_when_the_run_was_due(self):
        assert parse_moment(self.render({})) == RUN_AFTER

    def test_is_what_the_form_says_when_it_says_something(self):
        assert parse_moment(self.render({"as_of": None})) == RUN_AFTER
        given = self.render({"as_of": "2026-01-31T02:00:00+01:00"})
        assert parse_moment(given) == datetime(2026, 1, 31, 1, 0, tzinfo=UTC)

    @pytest.mark.parametrize("text", ["2026-01-31T02:00:00", "2026-01-31", "yesterday", ""])
    def test_must_be_one_single_moment(self, text):
        with pytest.raises(ConfigurationError, match="as_of="):
            parse_moment(text)


class TestSelection:
    @pytest.mark.parametrize("value", [[1, 2], ["1", "2"], "[1, 2]", '["1", "2"]', (1, 2)])
    def test_ids_come_as_a_list_or_as_rendered_json(self, value):
        assert as_document_ids(chosen(value, name="document_ids")) == [1, 2]

    @pytest.mark.parametrize("value", ["1, 2", "['a']", '"a"', "7", "{}"])
    def test_other_text_is_refused_with_a_hint(self, value):
        with pytest.raises(ConfigurationError, match="tojson"):
            chosen(value, name="document_ids")

    @pytest.mark.parametrize("element", ["contract-7", "-1", "1.5", ""])
    def test_an_id_is_a_whole_number(self, element):
        with pytest.raises(ConfigurationError, match="external_ids"):
            as_document_ids([element])

    def test_either_shards_or_a_selection(self):
        with pytest.raises(ConfigurationError, match="either"):
            DeleteOperator(task_id="neither")
        with pytest.raises(ConfigurationError, match="either"):
            DeleteOperator(task_id="both", shards=[], document_ids=[1], reason="x")

    def test_a_selection_needs_a_reason(self):
        with pytest.raises(ConfigurationError, match="reason"):
            DeleteOperator(task_id="delete", document_ids=[1])

    def test_a_call_needs_an_endpoint(self):
        with pytest.raises(ConfigurationError, match="endpoint"):
            WebhookOperator(task_id="call", document_ids=[1], reason="x")

    @pytest.mark.parametrize(
        "operator",
        [
            ArchiveOperator(task_id="a", document_ids=[1], reason="x", store="vault"),
            DeleteOperator(task_id="d", document_ids=[1], reason="x", certificate=True),
            NotifyOperator(task_id="n", document_ids=[1], reason="x", to="paula@example.org"),
            WebhookOperator(task_id="w", document_ids=[1], reason="x", endpoint="case-system"),
        ],
        ids=lambda operator: operator.action,
    )
    def test_settings_are_those_that_a_rule_may_write(self, operator):
        from doclife.domain.actions import SETTINGS

        SETTINGS[operator.action].model_validate(dict(operator.settings()))


class TestShards:
    SHARDS = [
        ShardRef(plan_id=1, action_index=0, shard=number, action="DELETE") for number in range(2500)
    ]

    def test_each_task_gets_one_shard(self):
        assert deal(self.SHARDS[:2]) == [[self.SHARDS[0].to_json()], [self.SHARDS[1].to_json()]]

    def test_an_empty_night_has_no_tasks(self):
        assert deal([]) == []

    def test_there_are_never_more_tasks_than_airflow_maps_and_no_shard_is_lost(self):
        hands = deal(self.SHARDS)

        assert len(hands) == 1000
        numbers = sorted(shard["shard"] for hand in hands for shard in hand)
        assert numbers == list(range(2500))

    def test_come_back_from_xcom_as_they_went(self):
        (hand,) = deal(self.SHARDS[:1])

        assert parse_shards(hand, actions=["DELETE"]) == self.SHARDS[:1]

    def test_an_operator_refuses_the_shards_of_another(self):
        (hand,) = deal(self.SHARDS[:1])

        with pytest.raises(ConfigurationError, match="DELETE"):
            parse_shards(hand, actions=["ARCHIVE"])

    def test_something_else_is_no_shard(self):
        with pytest.raises(ConfigurationError, match="not a shard"):
            parse_shards([{"plan": 1}], actions=["ARCHIVE"])


class TestMode:
    def test_empty_means_as_each_rule_says(self):
        assert parse_mode("") is None

    def test_asking_for_enforce_never_enforces_a_rule_that_simulates(self):
        assert only_simulated("enforce") is None
        assert only_simulated("simulate") == "simulate"

    def test_off_is_no_mode_of_a_run(self):
        with pytest.raises(ConfigurationError, match="off"):
            parse_mode("off")


class TestTemplates:
    def test_what_differs_between_environments_may_be_a_template(self):
        archive = ArchiveOperator(
            task_id="a",
            document_ids=[1],
            reason="x",
            as_of="2026-01-01T00:00:00+00:00",
            store="{{ params.store }}",
            postgres_conn_id="{{ params.catalogue }}",
        )
        call = WebhookOperator(
            task_id="w",
            document_ids=[1],
            reason="x",
            as_of="2026-01-01T00:00:00+00:00",
            endpoint="{{ params.system }}",
            headers={"X-Source": "{{ params.system }}"},
        )
        context = {"params": {"store": "vault", "catalogue": "eu", "system": "cases"}}

        archive.render_template_fields(context)
        call.render_template_fields(context)

        assert (archive.store, archive.postgres_conn_id) == ("vault", "eu")
        assert (call.endpoint, call.headers) == ("cases", {"X-Source": "cases"})

    def test_the_recipient_is_filled_in_by_doclife(self):
        assert "to" not in NotifyOperator.template_fields
