"""Mail and Slack, each with how it fares, a test, and every attempt to send something."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response

from doclife.dashboard.access import Deed
from doclife.dashboard.far_calls import TEST, try_out
from doclife.dashboard.gate import needs
from doclife.dashboard.integrations.delivery_log import EVERYTHING, Log, LogFilter
from doclife.dashboard.integrations.listing import (
    channel_pill,
    mail_words,
    slack_words,
)
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.visit import Here, Visit
from doclife.delivery.outcome import Attempt
from doclife.errors import DoclifeError
from doclife.lifecycle import queue, trying
from doclife.lifecycle.deliveries import list_channel
from doclife.lifecycle.jobs import channel_health
from doclife.lifecycle.slack_channels import list_channels
from doclife.lifecycle.trying import Trial

router = APIRouter()

Text = Annotated[str, Form(max_length=500)]
REASON = "asked for in the dashboard"
MAIL, SLACK = "email", "slack"
PLACES = {MAIL: "integrations/mail", SLACK: "integrations/slack"}


@router.get("/integrations/mail")
def show_mail(here: Here, log: Log) -> Response:
    """Show mail and a page of its delivery log, the newest first."""
    return page(here, MAIL, log=log)


@router.get("/integrations/slack")
def show_slack(here: Here, log: Log) -> Response:
    """Show Slack, its channels and a page of its delivery log, the newest first."""
    return page(here, SLACK, log=log)


@router.post("/integrations/mail/test", dependencies=[needs(Deed.SEND), TEST])
def try_mail(here: Here, to: Text = "") -> Response:
    """Send one mail, exactly as every mail is sent, and show what the service answered."""
    return _try(
        here,
        MAIL,
        to,
        lambda to: trying.mail_trial(
            here.conn, organization=here.tenant, to=to, now=here.now, actor=here.actor
        ),
    )


@router.post("/integrations/slack/test", dependencies=[needs(Deed.SEND), TEST])
def try_slack(here: Here, to: Text = "") -> Response:
    """Post one message, exactly as every message is posted, and show what Slack answered."""
    return _try(
        here,
        SLACK,
        to,
        lambda to: trying.slack_trial(
            here.conn,
            organization=here.tenant,
            to=to,
            default_connection=CONFIGURATION.delivery().slack_connection,
            now=here.now,
        ),
    )


@router.post("/integrations/mail/resend", dependencies=[needs(Deed.SEND)])
def resend_mails(
    here: Here, job: Annotated[list[int] | None, Form(max_length=1000)] = None
) -> Response:
    """Try mails again that were ticked and given up."""
    return _resend(here, MAIL, job or ())


@router.post("/integrations/slack/resend", dependencies=[needs(Deed.SEND)])
def resend_messages(
    here: Here, job: Annotated[list[int] | None, Form(max_length=1000)] = None
) -> Response:
    """Try messages again that were ticked and given up."""
    return _resend(here, SLACK, job or ())


def page(
    here: Visit,
    kind: str,
    *,
    log: LogFilter = EVERYTHING,
    to: str | None = None,
    tried: Attempt | None = None,
    error: str | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a channel, with the answer to a test or what was wrong."""
    health = {one.kind: one for one in channel_health(here.conn, organization=here.tenant)}[kind]
    found = list_channel(here.conn, organization=here.tenant, kind=kind, **log.narrowing(here))
    return here.page(
        f"integrations/{'mail' if kind == MAIL else 'slack'}.html.j2",
        status=status,
        kind=kind,
        here_at=PLACES[kind],
        health=health,
        pill=channel_pill(health),
        to=_usual(here, kind) if to is None else to,
        tried=tried,
        error=error,
        **_about(here, kind),
        **log.context(found),
    )


def _about(here: Visit, kind: str) -> dict[str, Any]:
    if kind == MAIL:
        return {"words": mail_words()}
    return {
        "words": slack_words(),
        "channels": list_channels(here.conn, organization=here.tenant),
    }


def _usual(here: Visit, kind: str) -> str:
    """Return what a test goes to unless one says otherwise: one's own address."""
    address = getattr(here.person.airflow_user, "email", None)
    return str(address) if kind == MAIL and address else ""


def _try(here: Visit, kind: str, to: str, make: Callable[[str], Trial]) -> Response:
    to = to.strip()
    try:
        tried = try_out(here, make(to))
    except DoclifeError as error:
        return page(here, kind, to=to, error=str(error), status=422)
    return page(here, kind, to=to, tried=tried)


def _resend(here: Visit, kind: str, jobs: tuple[int, ...] | list[int]) -> Response:
    ids = [number for number in jobs if 0 < number < 2**63]
    sent = (
        queue.retry_jobs(
            here.conn,
            organization=here.tenant.slug,
            job_ids=ids,
            kind=kind,
            states=("failed", "cancelled"),
            reason=REASON,
            actor=here.actor,
            now=here.now,
        )
        if ids
        else []
    )
    if not ids:
        words = "Tick some attempts first."
    elif not sent:
        words = "Nothing was sent again: what waits goes by itself, and what left is not kept."
    else:
        words = f"{len(sent):,} {'is' if len(sent) == 1 else 'are'} sent again."
    return here.redirect(PLACES[kind], flash=words)
