"""The example rules: each one can be applied to a catalogue, previewed and run."""

from pathlib import Path

from doclife.domain.rule_file import load_rules
from doclife.lifecycle import planning, previewing, ruling

from .conftest import ACTOR, World

EXAMPLES = Path(__file__).parents[2] / "include/rules/examples.yaml"


def test_every_example_is_previewed_planned_and_run(world: World) -> None:
    text = EXAMPLES.read_text().replace("\n    trigger:", "\n    mode: enforce\n    trigger:")
    world.now = world.value("SELECT now()")
    world.add_document("draft.txt", document_type="draft", metadata={"contract_end": "2015-01-01"})

    changes = ruling.apply_rule_file(
        world.conn, text=text, file=EXAMPLES.name, author=ACTOR, now=world.now
    )
    rules = load_rules(text, file=EXAMPLES.name).rules
    for rule in rules:
        previewing.preview_rule(
            world.conn, organization="default", rule=rule, as_of=world.now, now=world.now
        )
    plans = [
        planning.plan_rule(
            world.conn,
            rule_version_id=ruling.current_version(
                world.conn, organization="default", name=rule.name
            ).version_id,
            now=world.now,
            as_of=world.now,
            dag_id="test",
            run_id="examples",
            requested_by=ACTOR,
        )
        for rule in rules
        if rule.actions
    ]
    for plan in plans:
        if plan.state == "planned":
            world.apply(plan.plan_id)

    assert len(changes) == 8
    assert {rule.mode for rule in rules} == {"enforce"}
    assert {plan.state for plan in plans} == {"planned"}
