"""NOTIFY and WEBHOOK: what is said, once, and the job that says it, in one transaction.

Sending is the queue's. An item is done when its job (or its line in the dashboard) is stored.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from doclife.domain.actions import NotifyAction, NotifySettings, WebhookAction, WebhookSettings
from doclife.domain.message import Message, Unsendable
from doclife.domain.plan import ShardOutcome
from doclife.lifecycle.alerting import alert_of_templates
from doclife.lifecycle.batch import Batch, Work, log_failure, open_batch
from doclife.lifecycle.composing import Concern, Occasion, compose_notice, compose_webhook
from doclife.lifecycle.preferring import wishes_of
from doclife.store import notices
from doclife.store.connection import Connection

BATCH_SIZE = 500
"""Documents per transaction: each is rendered here, about a megabyte for all of them."""

Compose = Callable[[Occasion, Concern], Message | Unsendable]


def notify_batch(conn: Connection, work: Work, *, now: datetime) -> ShardOutcome | None:
    """Tell what the next batch of a shard has to tell; None when there is no more to do.

    A document of which the same was said before is skipped; one with nobody to tell fails, with
    the reason, and the rest goes on.
    """
    settings = _notify_settings(work)

    def compose(occasion: Occasion, concern: Concern) -> Message | Unsendable:
        return compose_notice(occasion, concern, settings, template="notice")

    return _tell(conn, work, compose, settings, now=now, audit_action="document.notified")


def webhook_batch(conn: Connection, work: Work, *, now: datetime) -> ShardOutcome | None:
    """Store the webhooks of the next batch of a shard; None when there is no more to do."""
    settings = _webhook_settings(work)

    def compose(occasion: Occasion, concern: Concern) -> Message | Unsendable:
        return compose_webhook(occasion, concern, settings)

    return _tell(conn, work, compose, None, now=now, audit_action="document.webhook_queued")


def _tell(
    conn: Connection,
    work: Work,
    compose: Compose,
    settings: NotifySettings | None,
    *,
    now: datetime,
    audit_action: str,
) -> ShardOutcome | None:
    with conn.transaction():
        batch = open_batch(conn, work, now=now, size=BATCH_SIZE)
        if batch is None:
            return None
        return _tell_batch(conn, work, batch, compose, settings, now=now, audit_action=audit_action)


def _tell_batch(
    conn: Connection,
    work: Work,
    batch: Batch,
    compose: Compose,
    settings: NotifySettings | None,
    *,
    now: datetime,
    audit_action: str,
) -> ShardOutcome:
    items = notices.read_items(conn, work.shard, batch.document_ids)
    documents = notices.read_documents(conn, batch.document_ids)
    rule_id = items[0].rule_id if items else None
    occasion = Occasion(
        organization=work.organization,
        rule=work.rule,
        rule_id=rule_id,
        rule_name=work.rule_name,
        action_index=work.shard.action_index,
        action=work.shard.action,
        plan_id=work.shard.plan_id,
        now=now,
        links=work.links,
        wishes={}
        if settings is None
        else wishes_of(
            conn,
            organization=work.organization,
            settings=settings,
            documents=documents.values(),
        ),
    )
    composed = [
        compose(
            occasion,
            Concern(
                document=documents[item.document_id], anchor_on=item.anchor_on, due_on=item.due_on
            ),
        )
        for item in items
    ]
    new = notices.store(
        conn,
        [one for one in composed if isinstance(one, Message)],
        organization_id=work.organization.id,
        rule_id=rule_id,
        action_index=work.shard.action_index,
        plan_id=work.shard.plan_id,
        now=now,
        actor=work.actor,
        rule=work.rule_name,
        audit_action=audit_action,
    )
    alert_of_templates(conn, now=now)
    outcome = notices.close_items(conn, work.shard, _outcomes(composed, new), now=now)
    return outcome + ShardOutcome(skipped=batch.skipped)


def _outcomes(composed: Sequence[Message | Unsendable], new: set[int]) -> list[notices.Outcome]:
    outcomes = []
    for one in composed:
        if isinstance(one, Unsendable):
            log_failure(one.document_id, code=one.reason_code)
            outcomes.append(
                notices.Outcome(
                    document_id=one.document_id,
                    state="failed",
                    reason_code=one.reason_code,
                    reason=one.reason,
                )
            )
        elif one.document_id in new:
            outcomes.append(notices.Outcome(document_id=one.document_id, state="done"))
        else:
            outcomes.append(
                notices.Outcome(
                    document_id=one.document_id,
                    state="skipped",
                    reason_code="already_told",
                    reason="the same was said before",
                )
            )
    return outcomes


def _notify_settings(work: Work) -> NotifySettings:
    if work.rule is None:
        return NotifySettings.model_validate(work.options)
    action = work.rule.actions[work.shard.action_index]
    assert isinstance(action, NotifyAction)  # the plan cut this shard from a NOTIFY
    return action.with_


def _webhook_settings(work: Work) -> WebhookSettings:
    if work.rule is None:
        return WebhookSettings.model_validate(work.options)
    action = work.rule.actions[work.shard.action_index]
    assert isinstance(action, WebhookAction)  # the plan cut this shard from a WEBHOOK
    return action.with_
