"""The Connections that mail and Slack go over: made and changed in a form, secrets never shown."""

import unicodedata
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Response

from doclife.connections import ServiceConnection
from doclife.dashboard.access import Deed
from doclife.dashboard.connecting import find_connection, store_connection
from doclife.dashboard.gate import needs
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.visit import Here, Visit
from doclife.delivery.mail_service import Provider, from_connection
from doclife.delivery.slack import route_of
from doclife.errors import ConfigurationError, DoclifeError, RefusedError
from doclife.lifecycle import services

router = APIRouter()

Text = Annotated[str, Form(max_length=2000)]
RIGHTS = [needs(Deed.EDIT), needs(Deed.CONNECT)]
PROVIDERS = [
    (Provider.SMTP, "SMTP"),
    (Provider.SENDGRID, "SendGrid"),
    (Provider.SES, "Amazon SES"),
    (Provider.MAILGUN, "Mailgun"),
]
SECURITY = [
    ("starttls", "STARTTLS, usually port 587"),
    ("tls", "TLS from the first byte, usually port 465"),
    ("none", "None: only to a server on this machine or network"),
]
SLACK_TYPES = [("slack", "A bot's token"), ("slackwebhook", "An incoming webhook")]
_EXTRA = {
    "tls": {},
    "starttls": {"disable_ssl": True},
    "none": {"disable_ssl": True, "disable_tls": True},
}
"""As Airflow's SMTP provider reads them."""
_KEPT = ("endpoint_url", "event_key", "event_topic", "event_secret", "aws_session_token")
"""What the form does not ask for stays."""


@router.get("/integrations/mail/connection", dependencies=RIGHTS)
def ask_mail(here: Here, provider: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Show the form of one mail service, filled in as far as it is set up."""
    _refuse_bound(here)
    present = _present(CONFIGURATION.delivery().email_connection)
    return _mail_form(here, _written(present), provider=_provider(provider, present))


@router.post("/integrations/mail/connection", dependencies=RIGHTS)
def save_mail(
    here: Here,
    provider: Text = "",
    sender: Text = "",
    sender_name: Text = "",
    host: Text = "",
    port: Text = "",
    security: Text = "",
    login: Text = "",
    secret: Text = "",
    region: Text = "",
    domain: Text = "",
) -> Response:
    """Store the Connection of the mail service, if it describes one."""
    _refuse_bound(here)
    typed = {
        "sender": sender.strip(),
        "sender_name": sender_name.strip(),
        "host": host.strip(),
        "port": port.strip(),
        "security": security,
        "login": login.strip(),
        "region": region.strip(),
        "domain": domain.strip(),
    }
    chosen = _provider(provider, None)
    name = CONFIGURATION.delivery().email_connection
    try:
        _refuse_control_characters(secret=secret.strip(), **typed)
        present = _present(name)
        wanted = _mail_connection(name, chosen, typed, secret.strip())
        _store(here, _with_kept(wanted, present), check=from_connection)
    except DoclifeError as error:
        return _mail_form(here, typed, provider=chosen, error=str(error))
    return here.redirect("integrations/mail", flash="Saved. Send a test to see whether it works.")


@router.get("/integrations/slack/connection", dependencies=RIGHTS)
def ask_slack(here: Here) -> Response:
    """Show the form of a Connection to Slack."""
    _refuse_bound(here)
    name = CONFIGURATION.delivery().slack_connection
    present = _present(name)
    return _slack_form(here, name=name, type_=present.type if present else "slack")


@router.post("/integrations/slack/connection", dependencies=RIGHTS)
def save_slack(here: Here, name: Text = "", type_: Text = "", secret: Text = "") -> Response:
    """Store a Connection to Slack under the name that messages or a channel go over."""
    _refuse_bound(here)
    name = name.strip()
    try:
        _refuse_control_characters(secret=secret.strip(), type=type_)
        if not services.is_connection_id(name):
            raise ConfigurationError(
                f"{name!r} is no name of a Connection: write for example slack_legal"
            )
        present = _present(name)
        if present is not None and present.type not in dict(SLACK_TYPES):
            raise RefusedError(f"Connection {name} is there and no Slack: choose another name")
        if not secret.strip():
            raise ConfigurationError("without its token or URL nothing can be sent")
        wanted = ServiceConnection(id=name, type=type_, password=secret.strip())
        _store(here, wanted, check=route_of)
    except DoclifeError as error:
        return _slack_form(here, name=name, type_=type_, error=str(error))
    return here.redirect("integrations/slack", flash="Saved. Send a test to see whether it works.")


def _refuse_bound(here: Visit) -> None:
    if here.is_bound:
        raise HTTPException(
            403, "It serves every organization: somebody who is bound to none sets it up."
        )


def _refuse_control_characters(**typed: str) -> None:
    """Refuse what a paste brought along unseen, and what no database can hold."""
    for name, text in typed.items():
        if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
            raise ConfigurationError(
                f"{name.replace('_', ' ')}: a line end or another control character is in it; "
                "type it anew"
            )


def _present(name: str) -> ServiceConnection | None:
    try:
        return find_connection(name)
    except ConfigurationError:
        return None


def _store(here: Visit, wanted: ServiceConnection, *, check: Any) -> None:
    check(wanted)
    # Noted first, as with secrets of endpoints.
    services.record_connection(
        here.conn,
        organization=here.tenant,
        connection_id=wanted.id,
        type_=wanted.type,
        now=here.now,
        actor=here.actor,
    )
    store_connection(wanted)


def _provider(text: str, present: ServiceConnection | None) -> Provider:
    if text:
        try:
            return Provider(text)
        except ValueError:
            raise ConfigurationError(
                f"{text!r} is no mail service; there are {', '.join(Provider)}"
            ) from None
    try:
        return Provider.SMTP if present is None else from_connection(present).provider
    except ConfigurationError:
        return Provider.SMTP


def _mail_connection(
    name: str, provider: Provider, typed: dict[str, str], secret: str
) -> ServiceConnection:
    extra: dict[str, Any] = {"from_email": typed["sender"]}
    if typed["sender_name"]:
        extra["from_name"] = typed["sender_name"]
    if provider is Provider.SMTP:
        if typed["security"] not in _EXTRA:
            raise ConfigurationError("say how the connection to the mail server is kept secret")
        extra |= _EXTRA[typed["security"]]
        return ServiceConnection(
            id=name,
            type="smtp",
            host=typed["host"] or None,
            port=_port(typed["port"]),
            login=typed["login"] or None,
            password=secret or None,
            extra=extra,
        )
    if provider is Provider.SES:
        extra["region_name"] = typed["region"]
        return ServiceConnection(
            id=name, type="aws", login=typed["login"] or None, password=secret or None, extra=extra
        )
    extra["transport"] = str(provider)
    if provider is Provider.MAILGUN:
        extra["domain"] = typed["domain"]
    return ServiceConnection(id=name, type="http", password=secret or None, extra=extra)


def _with_kept(wanted: ServiceConnection, present: ServiceConnection | None) -> ServiceConnection:
    """Return it with the password that is there, and what the form does not ask for.

    A service of another kind gets nothing of the one before, nor does a mail server of another
    name: a password goes to nobody that it was not given for.
    """
    if present is None or _place(present) != _place(wanted):
        return wanted
    kept = {name: present.extra[name] for name in _KEPT if name in present.extra}
    return replace(
        wanted, password=wanted.password or present.password, extra={**kept, **wanted.extra}
    )


def _place(connection: ServiceConnection) -> tuple[str, str | None, str | None]:
    return (connection.type, connection.host, connection.text("transport"))


def _port(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ConfigurationError(f"{text!r} is no port: write 587, 465 or 25")
    return int(text)


def _written(present: ServiceConnection | None) -> dict[str, str]:
    if present is None:
        return {"security": "starttls"} | dict.fromkeys(
            ("sender", "sender_name", "host", "port", "login", "region", "domain"), ""
        )
    try:
        service = from_connection(present)
        security = {"tls": "tls", "none": "none"}.get(str(service.security), "starttls")
    except ConfigurationError:
        security = "starttls"
    return {
        "sender": present.text("from_email") or "",
        "sender_name": present.text("from_name") or "",
        "host": present.host or "",
        "port": "" if present.port is None else str(present.port),
        "security": security,
        "login": present.login or "",
        "region": present.text("region_name") or "",
        "domain": present.text("domain") or "",
    }


def _mail_form(
    here: Visit, typed: dict[str, str], *, provider: Provider, error: str | None = None
) -> Response:
    name = CONFIGURATION.delivery().email_connection
    return here.page(
        "integrations/mail_connection.html.j2",
        status=200 if error is None else 422,
        name=name,
        is_there=_present(name) is not None,
        provider=provider,
        providers=PROVIDERS,
        securities=SECURITY,
        typed=typed,
        error=error,
    )


def _slack_form(here: Visit, *, name: str, type_: str, error: str | None = None) -> Response:
    return here.page(
        "integrations/slack_connection.html.j2",
        status=200 if error is None else 422,
        name=name,
        type=type_,
        types=SLACK_TYPES,
        is_there=_present(name) is not None if services.is_connection_id(name) else False,
        error=error,
    )
