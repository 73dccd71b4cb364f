"""Composes what a rule says about one document: rendered, addressed, ready to be stored.

A job carries all that sending needs, so that what was decided and written last night is what
goes out, however the rule, the document or the template have changed by then.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from doclife.delivery.links import NO_LINKS, KeepSubject, Links
from doclife.delivery.plain_text import one_line
from doclife.delivery.recipient import render_recipient
from doclife.delivery.rendering import Email, templates
from doclife.domain.actions import NotifySettings, WebhookSettings
from doclife.domain.address import is_address
from doclife.domain.message import DAILY, Message, Unsendable
from doclife.domain.organization import Organization
from doclife.domain.rule import Rule
from doclife.errors import ConfigurationError
from doclife.lifecycle.branding import branding
from doclife.store.preferences import Wish

MAX_METADATA = 16_000
"""Characters of metadata in a webhook: Standard Webhooks asks for under 20 kB in all."""
LINK_OUTLIVES_DAY = timedelta(days=30)
"""How long after the day that a warning names its link says what became of the document."""
NOTICE = "notice"
MAIL_HEADERS = {"Auto-Submitted": "auto-generated"}  # RFC 3834: no automatic answers, please


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What the messages of one action have in common."""

    organization: Organization
    rule: Rule | None
    rule_id: int | None
    rule_name: str | None
    """``name@version``; None for a selection."""
    action_index: int
    action: str
    """What happens, or will happen, to the document."""
    plan_id: int | None
    now: datetime
    links: Links = NO_LINKS
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    """What recipients want of mail, by address in small letters."""


@dataclass(frozen=True, kw_only=True)
class KeepOffer:
    """What the link of a warning lets its reader do."""

    rule_id: int
    due_on: date
    goes_on: date
    until: date
    """The last day that the document is kept."""


@dataclass(frozen=True, kw_only=True)
class Concern:
    """One document that a message is about, and the day."""

    document: Mapping[str, Any]
    """A row of notices/read_documents."""
    anchor_on: date | None
    due_on: date | None
    window_days: int | None = None
    days_left: int | None = None
    said_on: date | None = None
    """The day that the words name, when it is later than ``due_on``: a warning that is late."""
    redirected_to: str | None = None
    """The fallback recipient, when nobody else could be warned."""
    keep: KeepOffer | None = None
    """None where the reader may not keep the document by a link."""


def compose_notice(
    occasion: Occasion, concern: Concern, settings: NotifySettings, *, template: str
) -> Message | Unsendable:
    """Compose what NOTIFY says about one document.

    A recipient that comes out empty or malformed is replaced by the organization's fallback. Who
    wants it so gets notices with the digest; warnings come at once.

    :param template: used when the settings name none; ``notice`` is of what has happened, the
        others warn.
    """
    document = concern.document
    name = settings.template or template
    try:
        recipient = render_recipient(settings.to, document)
        channel, recipient = _reachable(settings.channel, recipient, occasion.organization)
        if channel is None:
            return _nobody(occasion, concern, settings)
        wish = occasion.wishes.get(recipient.lower()) if channel == "email" else None
        locale = (wish and wish.locale) or occasion.organization.locale
        is_daily = settings.digest == "daily" or (
            wish is not None and wish.is_quiet and template == NOTICE
        )
        is_sent = channel in ("email", "slack") and not is_daily
        # In the dashboard people are known: nothing there needs a link that anybody can follow.
        keep_url = _keep_url(occasion, concern, recipient) if is_sent else None
        context = _context(occasion, concern, keep_url=keep_url)
        if channel == "slack" and is_sent:
            message = templates(occasion.organization.slug).slack(
                name,
                locale=locale,
                context=context,
                buttons={"document": context["document_url"], "keep": keep_url},
            )
            payload: dict[str, Any] = {
                "channel": recipient,
                "text": message.text,
                "blocks": message.blocks,
            }
            return _with_job(occasion, concern, "slack", recipient, name, payload)
        email = templates(occasion.organization.slug).email(name, locale=locale, context=context)
    except ConfigurationError as error:
        return Unsendable(document_id=document["id"], reason_code="bad_message", reason=str(error))
    if channel == "email" and is_sent:
        payload = {
            "to": recipient,
            "from": None,  # the transport's own
            "subject": email.subject,
            "text": email.text,
            "html": email.html,
            "locale": locale,
            "headers": MAIL_HEADERS,
        }
        return _with_job(occasion, concern, "email", recipient, name, payload)
    return _in_dashboard(concern, recipient, f"{DAILY}{name}" if is_daily else name, email)


def compose_webhook(
    occasion: Occasion, concern: Concern, settings: WebhookSettings
) -> Message | Unsendable:
    """Compose what WEBHOOK says about one document: the body's parts, and how to send it."""
    document = dict(concern.document)
    metadata = document["metadata"]
    document["metadata_omitted"] = len(_json(metadata)) > MAX_METADATA
    if document["metadata_omitted"]:
        document["metadata"] = {}
    type_ = "document.matched" if concern.due_on is None else "document.due"
    payload = {
        "endpoint": settings.endpoint,  # address and secrets are looked up when it is sent
        "type": type_,
        "timestamp": occasion.now.isoformat(),
        "data": {
            "organization": occasion.organization.slug,
            "document": document,
            "rule": occasion.rule_name,
            "due_on": concern.due_on,
            "plan_id": occasion.plan_id,
        },
        "headers": settings.headers,
        "timeout_seconds": settings.timeout,
    }
    return Message(
        document_id=document["id"],
        due_on=concern.due_on,
        recipient=settings.endpoint,
        type=type_,
        kind="webhook",
        payload=_json(payload),
        unique_key=_unique_key(occasion, concern),
        endpoint=settings.endpoint,
        timeout_seconds=settings.timeout,
    )


def _reachable(channel: str, recipient: str, organization: Organization) -> tuple[str | None, str]:
    """Return the channel and recipient to use; no channel when nobody can be reached."""
    is_named = recipient != "" and recipient == one_line(recipient)
    if is_address(recipient) if channel == "email" else is_named:
        return channel, recipient
    fallback = (organization.fallback_recipient or "").strip()
    if is_address(fallback):
        return ("notification" if channel == "notification" else "email"), fallback
    return None, recipient


def _nobody(occasion: Occasion, concern: Concern, settings: NotifySettings) -> Unsendable:
    document = concern.document
    found = one_line(render_recipient(settings.to, document), length=80)
    what = f"{found!r} is no address" if found else f"{settings.to!r} names nobody"
    return Unsendable(
        document_id=document["id"],
        reason_code="no_recipient",
        reason=(
            f"nobody to tell: {what} for document {document['external_id']!r}, and organization "
            f"{occasion.organization.slug} has no fallback_recipient that is a mail address"
        ),
    )


def _with_job(
    occasion: Occasion,
    concern: Concern,
    kind: str,
    recipient: str,
    template: str,
    payload: dict[str, Any],
) -> Message:
    document = concern.document
    about = ("id", "external_id", "title", "document_type", "owner", "status", "expires_on")
    payload |= {
        "template": template,
        "document": {field: document[field] for field in about},
        "organization": occasion.organization.slug,
        "rule": occasion.rule_name,
        "due_on": concern.due_on,
        "window_days": concern.window_days,
        "plan_id": occasion.plan_id,
    }
    return Message(
        document_id=document["id"],
        due_on=concern.due_on,
        window_days=concern.window_days,
        redirected_to=concern.redirected_to,
        recipient=recipient,
        type=template,
        kind=kind,
        payload=_json(payload),
        unique_key=_unique_key(occasion, concern),
    )


def _in_dashboard(concern: Concern, recipient: str, type_: str, email: Email) -> Message:
    return Message(
        document_id=concern.document["id"],
        due_on=concern.due_on,
        window_days=concern.window_days,
        recipient=recipient,
        type=type_,
        title=email.subject,
        body=email.text,
    )


def _keep_url(occasion: Occasion, concern: Concern, recipient: str) -> str | None:
    offer = concern.keep
    if offer is None:
        return None
    subject = KeepSubject(
        rule_id=offer.rule_id,
        document_id=concern.document["id"],
        due_on=offer.due_on,
        goes_on=offer.goes_on,
        recipient=recipient,
    )
    last_day = datetime.combine(offer.goes_on, time(), tzinfo=UTC)
    return occasion.links.keep(subject, expires_at=last_day + LINK_OUTLIVES_DAY)


def _context(occasion: Occasion, concern: Concern, *, keep_url: str | None) -> dict[str, Any]:
    """What templates may say. Texts of documents are on one line; rules' authors are trusted."""
    document = concern.document
    shown = {
        field: one_line(document[field]) if document[field] else None
        for field in ("external_id", "title", "document_type", "owner")
    }
    shown["title"] = shown["title"] or shown["external_id"]
    rule = occasion.rule
    name, _, version = (occasion.rule_name or f"selection@{occasion.plan_id}").rpartition("@")
    return {
        "document": {**shown, "expires_on": document["expires_on"]},
        "rule": {
            "name": name,
            "version": version,
            "description": rule.description if rule else None,
            "authority": rule.authority if rule else None,
        },
        **branding(occasion.organization),
        "contact": occasion.organization.fallback_recipient,
        "action": occasion.action,
        "anchor_on": concern.anchor_on,
        "due_on": concern.said_on or concern.due_on,
        "days_left": concern.days_left,
        "document_url": occasion.links.document(document["id"]),
        "keep_url": keep_url,
        "keep_until": concern.keep.until if concern.keep else None,
    }


def _unique_key(occasion: Occasion, concern: Concern) -> str:
    """The same for the same notice, whichever run stores it."""
    about = f"{occasion.action_index}:{concern.document['id']}"
    if occasion.rule_id is None:
        return f"plan:{occasion.plan_id}:{about}"
    window = "" if concern.window_days is None else concern.window_days
    key = f"notice:{occasion.rule_id}:{about}:{concern.due_on or ''}:{window}"
    return key if concern.redirected_to is None else f"{key}:{concern.redirected_to}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_iso)


def _iso(value: Any) -> str:
    """Dates; nothing else in a document's row is unknown to JSON."""
    text: str = value.isoformat()
    return text
