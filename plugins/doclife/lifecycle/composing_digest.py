"""One reader's digest: what it says, in which words, and as which job it is stored."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from doclife.delivery.links import NO_LINKS, Links, ListMember
from doclife.delivery.mail import DIGEST
from doclife.delivery.plain_text import one_line
from doclife.delivery.rendering import templates
from doclife.domain.duration import Period
from doclife.domain.organization import Organization
from doclife.domain.tombstone import name_of
from doclife.lifecycle.branding import branding
from doclife.lifecycle.composing import MAIL_HEADERS
from doclife.store import digests
from doclife.store.audit_chain import AuditHead

READ_AT = time(8)
"""When a digest may be sent, by its reader's clock."""
SECTIONS = ("failed", "not_warned", "tonight", "expiring", "done", "notifications")


@dataclass(frozen=True, kw_only=True)
class Day:
    """The digests of one day for one organization's readers in one time zone."""

    organization: Organization
    zone: ZoneInfo
    zones: frozenset[str]
    """Every zone in which the organization has readers."""
    now: datetime
    as_of: datetime
    actor: str
    contact: str | None
    """Who gets the overview; None when the organization names no address."""
    head: AuditHead | None = None
    """How far the audit chain had come when its head was signed last: in a mailbox it cannot be
    rewritten with the database."""
    links: Links = NO_LINKS

    @property
    def day(self) -> date:
        """The day of the digest, where its readers are."""
        return self.as_of.astimezone(self.zone).date()

    @property
    def today(self) -> date:
        """The organization's own day, to which the dates of its documents refer."""
        return self.organization.date_of(self.as_of)

    @property
    def morning(self) -> datetime:
        """08:00 of the day, where its readers are."""
        return datetime.combine(self.day, READ_AT, tzinfo=self.zone).astimezone(UTC)

    def key(self, reader: digests.Reader) -> str:
        """Return what makes a reader's digest of this day one of its kind."""
        way = "" if reader.channel == "email" else f"{reader.channel}:"
        # Keys are kept for a month: they need not say whose they are.
        whom = hashlib.sha256(reader.recipient.encode()).hexdigest()[:32]
        return f"digest:{self.organization.slug}:{way}{whom}:{self.day.isoformat()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """One reader's digest, ready to be stored."""

    recipient: str
    job: dict[str, str]


def render(
    day: Day,
    reader: digests.Reader,
    rows: Sequence[digests.DigestRow],
    plans: Sequence[digests.WaitingPlan],
) -> Rendered:
    """Render the digest of one reader, as the job of the channel that they want it over."""
    return Rendered(
        recipient=reader.recipient,
        job={
            "kind": reader.channel,
            "unique_key": day.key(reader),
            "payload": json.dumps(_payload(day, reader, rows, plans), ensure_ascii=False),
            "run_at": max(day.now, day.morning).isoformat(),
        },
    )


def _payload(
    day: Day,
    reader: digests.Reader,
    rows: Sequence[digests.DigestRow],
    plans: Sequence[digests.WaitingPlan],
) -> dict[str, object]:
    tenant = day.organization
    language = reader.locale or tenant.locale
    about = {
        "template": DIGEST,
        "locale": language,
        "organization": tenant.slug,
        # By these it is found when one of them is purged.
        "document_ids": sorted({row.document_id for row in rows if row.document_id is not None}),
    }
    context = _context(day, rows, plans, is_overview=reader.recipient == day.contact)
    if reader.channel == "slack":
        message = templates(tenant.slug).slack(
            DIGEST, locale=language, context=context, buttons={"start": day.links.start()}
        )
        return {
            "channel": reader.address,
            "text": message.text,
            "blocks": message.blocks,
            **about,
        }
    unsubscribe_url = None
    if reader.channel == "email":
        unsubscribe_url = day.links.unsubscribe(
            ListMember(organization=tenant.slug, address=reader.recipient)
        )
    email = templates(tenant.slug).email(
        DIGEST, locale=language, context={**context, "unsubscribe_url": unsubscribe_url}
    )
    if reader.channel == "notification":
        return {
            "recipient": reader.recipient,
            "title": email.subject,
            "body": email.text,
            **about,
        }
    return {
        "to": reader.recipient,
        "from": None,  # the transport's own
        "subject": email.subject,
        "text": email.text,
        "html": email.html,
        "headers": MAIL_HEADERS,
        "unsubscribe_url": unsubscribe_url,
        **about,
    }


def _context(
    day: Day,
    rows: Sequence[digests.DigestRow],
    plans: Sequence[digests.WaitingPlan],
    *,
    is_overview: bool,
) -> dict[str, object]:
    """Return what the template may say."""
    total = plans[0].total if plans else 0
    return {
        **branding(day.organization),
        "today": day.day,
        "start_url": day.links.start(),
        "is_overview": is_overview,
        "audit_head": _head(day) if is_overview else None,
        "plans": {
            "rows": sorted(
                (_waiting(day, plan) for plan in plans), key=lambda row: not row["is_late"]
            ),
            "total": total,
            "more": total - len(plans),
        },
        "sections": [section for kind in SECTIONS if (section := _section(kind, rows)) is not None],
    }


def _head(day: Day) -> dict[str, object] | None:
    if day.head is None:
        return None
    return {
        "sequence": day.head.sequence,
        "hash": day.head.hash.hex(),
        "on": day.organization.date_of(day.head.signed_at),
    }


def _waiting(day: Day, plan: digests.WaitingPlan) -> dict[str, object]:
    """Return what is said about a plan that waits; the rule says from when on it is late."""
    tenant = day.organization
    since = plan.waiting_since and tenant.date_of(plan.waiting_since)
    is_late = (
        since is not None
        and plan.remind is not None
        and Period.parse(plan.remind).add_to(since) <= day.today
    )
    return {
        "plan_id": plan.plan_id,
        "url": day.links.plan(plan.plan_id),
        "rule": plan.rule,
        "document_count": plan.document_count,
        "reason": plan.reason,
        "stage": plan.stage,
        "since": since,
        "until": plan.answer_due_at and tenant.date_of(plan.answer_due_at),
        "is_late": is_late
        and Period.parse(str(plan.remind)).add_to(since or day.today) <= day.today,
    }


def _section(kind: str, rows: Sequence[digests.DigestRow]) -> dict[str, object] | None:
    shown = [row for row in rows if row.section == kind]
    if not shown:
        return None
    return {
        "kind": kind,
        "total": shown[0].total,
        "more": shown[0].total - len(shown),
        "rows": [
            {
                "title": one_line(row.title or _name(row) or ""),
                "external_id": _name(row),
                "on": row.on_day,
                "action": row.action,
                "reason": one_line(row.reason) if row.reason else None,
            }
            for row in shown
        ],
    }


def _name(row: digests.DigestRow) -> str | None:
    if row.external_id is None:
        return None
    return one_line(name_of(row.external_id, row.document_id))
