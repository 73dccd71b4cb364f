"""Which service takes our mail, and how to log in: a Connection, or environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from doclife.connections import ServiceConnection
from doclife.delivery.mail import Sender
from doclife.delivery.plain_text import one_line
from doclife.domain.address import is_address
from doclife.errors import ConfigurationError

SUBMISSION_PORT = 587
SUBMISSIONS_PORT = 465
"""TLS from the first byte (RFC 8314, 3.3)."""


class Provider(StrEnum):
    """The four ways to hand mail over."""

    SMTP = "smtp"
    SENDGRID = "sendgrid"
    SES = "ses"
    MAILGUN = "mailgun"


class Security(StrEnum):
    """How a connection to an SMTP server is kept secret."""

    TLS = "tls"
    STARTTLS = "starttls"
    IF_OFFERED = "if-offered"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class MailService:
    """One configured service."""

    provider: Provider
    sender: Sender
    host: str | None = None
    """The SMTP server."""
    port: int | None = None
    security: Security = Security.STARTTLS
    login: str | None = field(default=None, repr=False)
    """SMTP user, or the access key of SES."""
    password: str | None = field(default=None, repr=False)
    """SMTP password, API key, or the secret key of SES."""
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    """Of SES."""
    domain: str | None = None
    """Of Mailgun."""
    base_url: str | None = None
    """Another address of the vendor's API: Mailgun's and SendGrid's in the EU, a test server."""
    event_proof: str | None = field(default=None, repr=False)
    """What proves that events come from the service: the Verification Key of SendGrid, the webhook
    signing key of Mailgun, the ARN of the SNS topic of SES. None: its events are not received."""


def from_variables(environment: Mapping[str, str]) -> MailService | None:
    """Return the service that ``EMAIL_PROVIDER`` and its variables name; None without them.

    Without ``EMAIL_PROVIDER``, ``SMTP_HOST`` alone means SMTP.

    :raises ConfigurationError: every variable that is missing or wrong; no value of a secret.
    """
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    name = given.get("EMAIL_PROVIDER", "smtp" if "SMTP_HOST" in given else "").lower()
    if not name:
        return None
    try:
        provider = Provider(name)
    except ValueError:
        raise ConfigurationError(
            f"EMAIL_PROVIDER={name!r} is unknown: write smtp, sendgrid, ses or mailgun"
        ) from None
    missing = [
        variable for variable in ("EMAIL_FROM_ADDRESS", *_NEEDED[provider]) if variable not in given
    ]
    if missing:
        raise ConfigurationError(f"mail over {provider} also needs {', '.join(missing)}")
    sender = _sender(
        given["EMAIL_FROM_ADDRESS"], given.get("EMAIL_FROM_NAME"), where="EMAIL_FROM_ADDRESS"
    )
    if provider is Provider.SMTP:
        port = _port(given.get("SMTP_PORT", str(SUBMISSION_PORT)))
        password = given.get("SMTP_PASSWORD")
        return MailService(
            provider=provider,
            sender=sender,
            host=given["SMTP_HOST"],
            port=port,
            security=_security(port, has_password=password is not None),
            login=given.get("SMTP_USER"),
            password=password,
        )
    if provider is Provider.SES:
        return MailService(
            provider=provider,
            sender=sender,
            login=given["AWS_SES_ACCESS_KEY"],
            password=given["AWS_SES_SECRET_KEY"],
            region=given["AWS_SES_REGION"],
            event_proof=given.get("AWS_SES_EVENT_TOPIC"),
        )
    return MailService(
        provider=provider,
        sender=sender,
        password=given["SENDGRID_API_KEY" if provider is Provider.SENDGRID else "MAILGUN_API_KEY"],
        domain=given.get("MAILGUN_DOMAIN"),
        event_proof=given.get(
            "SENDGRID_EVENT_KEY" if provider is Provider.SENDGRID else "MAILGUN_EVENT_SECRET"
        ),
    )


def from_connection(connection: ServiceConnection) -> MailService:
    """Return the service that an Airflow Connection describes.

    ``smtp`` in the fields of Airflow's SMTP provider; ``aws`` is SES; ``http``, or any other type,
    says in its extra ``{"transport": "sendgrid"}`` or ``"mailgun"`` which it is. All take
    ``from_email`` and ``from_name`` from the extra.

    :raises ConfigurationError: a field is missing; no value is quoted.
    """
    where = f"Airflow Connection {connection.id!r}"
    transport = connection.text("transport")
    name = {"smtp": "smtp", "aws": "ses"}.get(connection.type, transport or connection.type)
    if name not in set(Provider):
        raise ConfigurationError(
            f"{where} of type {connection.type!r} is no mail service: use type smtp, aws, or http "
            'with {"transport": "sendgrid"} or {"transport": "mailgun"} in its extra'
        )
    provider = Provider(name)
    sender = _sender(connection.text("from_email") or "", connection.text("from_name"), where=where)
    service = MailService(
        provider=provider,
        sender=sender,
        host=connection.host,
        port=connection.port,
        login=connection.login,
        password=connection.password,
        session_token=connection.text("aws_session_token"),
        region=connection.text("region_name"),
        domain=connection.text("domain"),
        base_url=connection.text("endpoint_url"),
        event_proof=connection.text(_EVENT_PROOF[provider]),
    )
    needed = {
        Provider.SMTP: {"host": service.host},
        Provider.SES: {
            "login": service.login,
            "password": service.password,
            "region_name": service.region,
        },
        Provider.SENDGRID: {"password": service.password},
        Provider.MAILGUN: {"password": service.password, "domain": service.domain},
    }[provider]
    missing = [field_name for field_name, value in needed.items() if not value]
    if missing:
        raise ConfigurationError(f"{where} says no {', no '.join(missing)}")
    return _with_security(service, connection) if provider is Provider.SMTP else service


_NEEDED: Mapping[Provider, tuple[str, ...]] = {
    Provider.SMTP: ("SMTP_HOST",),
    Provider.SENDGRID: ("SENDGRID_API_KEY",),
    Provider.SES: ("AWS_SES_ACCESS_KEY", "AWS_SES_SECRET_KEY", "AWS_SES_REGION"),
    Provider.MAILGUN: ("MAILGUN_API_KEY", "MAILGUN_DOMAIN"),
}


_EVENT_PROOF: Mapping[Provider, str] = {
    Provider.SMTP: "",
    Provider.SENDGRID: "event_key",
    Provider.SES: "event_topic",
    Provider.MAILGUN: "event_secret",
}
"""Where in the extra of a Connection; Airflow hides what is named a secret."""


def _with_security(service: MailService, connection: ServiceConnection) -> MailService:
    """Read ``disable_ssl`` and ``disable_tls`` as Airflow's SMTP provider does."""
    if not _is_true(connection.extra.get("disable_ssl")):
        security, port = Security.TLS, SUBMISSIONS_PORT
    elif not _is_true(connection.extra.get("disable_tls")):
        security, port = Security.STARTTLS, SUBMISSION_PORT
    else:
        security, port = Security.NONE, 25
    return replace(service, security=security, port=service.port or port)


def _is_true(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes")


def _sender(address: str, name: str | None, *, where: str) -> Sender:
    if not is_address(address):
        raise ConfigurationError(
            f"{where} names no mail address that mail comes from (EMAIL_FROM_ADDRESS, or "
            "from_email in the extra of the Connection)"
        )
    return Sender(address=address, name=one_line(name or "", length=100))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ConfigurationError(f"SMTP_PORT={text!r} is no port: write 587, 465 or 25")
    return int(text)


def _security(port: int, *, has_password: bool) -> Security:
    if port == SUBMISSIONS_PORT:
        return Security.TLS
    return Security.STARTTLS if has_password else Security.IF_OFFERED
