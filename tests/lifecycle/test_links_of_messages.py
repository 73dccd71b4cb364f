"""Messages lead to the pages of what they are about."""

from __future__ import annotations

import json
from datetime import timedelta

from doclife.delivery.links import Links
from doclife.domain.plan import PlanState
from doclife.lifecycle import applying, review_text
from doclife.store.reviews import Question

from .conftest import ACTOR, NOW, World

LINKS = Links(airflow_url="https://airflow.example.com")


def test_a_notice_leads_to_its_document(world: World) -> None:
    document = world.add_document("a", document_type="contract")
    notify = {"do": "NOTIFY", "with": {"to": "{{ document.owner }}"}}
    world.enforce(actions=[notify])
    plan = world.plan()[0]

    applying.apply_plan(
        world.conn,
        plan_id=plan.plan_id,
        now=lambda: world.now,
        actor=ACTOR,
        stores=world.stores,
        links=LINKS,
    )

    mail = json.loads(world.value("SELECT payload FROM jobs"))
    page = f"https://airflow.example.com/doclife/documents/{document}"
    assert f"Open the document: {page}" in mail["text"]
    assert f'href="{page}"' in mail["html"]


def test_who_is_asked_about_a_plan_finds_its_page(world: World) -> None:
    world.add_document("a", document_type="draft", expires_on=NOW.date() - timedelta(days=9))
    world.enforce(
        trigger={"type": "ON_EXPIRATION"},
        when={"field": "document_type", "op": "eq", "value": "draft"},
        review={"stages": ["records"]},
        actions=[{"do": "DELETE"}],
    )
    plan = world.plan()[0]
    assert plan.state is PlanState.NEEDS_APPROVAL
    question = Question(plan_id=plan.plan_id, stage=1, attempt=0)
    due_at = world.now + timedelta(days=7)

    with_page = review_text.compose(world.conn, question, answer_due_at=due_at, links=LINKS)
    without = review_text.compose(world.conn, question, answer_due_at=due_at)

    url = f"https://airflow.example.com/doclife/plans/{plan.plan_id}"
    assert f"[the plan's page]({url}), or `doclife plans show" in with_page.body
    assert "their titles: `doclife plans show" in without.body
