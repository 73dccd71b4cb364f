"""What a channel knows in secret is in nothing that it logs, returns, raises or shows."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from aiohttp import web

from doclife.connections import from_environment
from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.opening import open_channels
from doclife.delivery.outcome import Attempt, Outcome
from doclife.errors import ConfigurationError
from tests.delivery.far_side import serving
from tests.delivery.test_slack import message as slack_message
from tests.delivery.test_smtp import mail
from tests.delivery.test_webhook import endpoint
from tests.delivery.test_webhook import message as call

SIGNING = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRETS = (SIGNING, "SG.s3cr3t", "xoxb-s3cr3t", "t0ken-s3cr3t", "smtp-s3cr3t")
COMMON = {"DOCLIFE_ALLOWED_NETWORKS": "127.0.0.0/8", "DOCLIFE_ALLOW_HTTP": "1"}


async def _fail(request: web.Request) -> web.StreamResponse:
    """Fail in every way there is, and even repeat what was sent."""
    how = int(request.headers.get("webhook-id", "msg_1").removeprefix("msg_")) % 4
    if how == 0:
        assert request.transport is not None
        request.transport.abort()
    return web.Response(status=(500, 401, 404, 503)[how], body=b"failed")


async def deliver_all(environment: Mapping[str, str]) -> list[Attempt]:
    async with serving(_fail) as side:
        given = {
            name: value.replace("{port}", str(side.port)) for name, value in environment.items()
        }
        async with open_channels(
            read_delivery_settings(given),
            connections=from_environment(given),
            clock=lambda: datetime.now(UTC),
        ) as channels:
            to = endpoint(side.url(), secrets=(SIGNING,), headers={"X-Token": "t0ken-s3cr3t"})
            found: list[Attempt] = []
            found += await channels["webhook"].deliver([call(to, job_id=one) for one in range(8)])
            found += await channels["email"].deliver([mail(1), mail(2, text="Another\n")])
            found += await channels["slack"].deliver([slack_message()])
            return found


def shown(attempts: Sequence[Attempt], caplog: pytest.LogCaptureFixture) -> str:
    records = "\n".join(record.getMessage() for record in caplog.records)
    return f"{attempts!r}\n{records}\n{caplog.text}"


def test_failures_of_every_channel_show_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    environment = {
        **COMMON,
        "AIRFLOW_CONN_DOCLIFE_EMAIL": '{"conn_type": "http", "password": "SG.s3cr3t", "extra": '
        '{"transport": "sendgrid", "from_email": "a@example.org", '
        '"endpoint_url": "http://127.0.0.1:{port}"}}',
        "AIRFLOW_CONN_DOCLIFE_SLACK": '{"conn_type": "slack", "password": "xoxb-s3cr3t", '
        '"extra": {"base_url": "http://127.0.0.1:{port}/api/"}}',
    }

    attempts = asyncio.run(deliver_all(environment))

    assert len(attempts) == 11
    assert Outcome.SENT not in {attempt.outcome for attempt in attempts}
    text = shown(attempts, caplog)
    assert not [secret for secret in SECRETS if secret in text]


def test_a_mail_server_that_is_away_shows_no_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    environment = {
        **COMMON,
        "EMAIL_PROVIDER": "smtp",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "1",
        "SMTP_USER": "doclife",
        "SMTP_PASSWORD": "smtp-s3cr3t",
        "EMAIL_FROM_ADDRESS": "a@example.org",
    }

    attempts = asyncio.run(deliver_all(environment))

    assert not [secret for secret in SECRETS if secret in shown(attempts, caplog)]


@pytest.mark.parametrize(
    "environment",
    [
        {"EMAIL_PROVIDER": "sendgrid", "SENDGRID_API_KEY": "SG.s3cr3t"},
        {"SMTP_HOST": "h", "SMTP_PASSWORD": "smtp-s3cr3t", "EMAIL_FROM_ADDRESS": "nobody"},
        {
            "SMTP_HOST": "h",
            "SMTP_PORT": "many",
            "SMTP_PASSWORD": "smtp-s3cr3t",
            "EMAIL_FROM_ADDRESS": "a@example.org",
        },
        {"EMAIL_PROVIDER": "pigeon", "SMTP_PASSWORD": "smtp-s3cr3t"},
        {"DOCLIFE_ALLOW_HTTP": "perhaps"},
        {"DOCLIFE_ALLOWED_NETWORKS": "everything"},
    ],
)
def test_wrong_settings_are_named_and_no_secret_is_quoted(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_delivery_settings(environment)

    text = "".join(traceback.format_exception(refusal.value))
    assert not [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize(
    "connection",
    [
        '{"conn_type": "http", "password": "SG.s3cr3t"',
        '{"conn_type": "smtp", "password": "smtp-s3cr3t", "port": "SG.s3cr3t"}',
        "SG.s3cr3t",
        "smtp://user:smtp-s3cr3t@host:port",
    ],
)
def test_a_connection_that_cannot_be_read_is_not_quoted(connection: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        from_environment({"AIRFLOW_CONN_X": connection})("x")

    text = "".join(traceback.format_exception(refusal.value))
    assert not [secret for secret in SECRETS if secret in text]


def test_every_provider_can_be_set_by_its_variables() -> None:
    sender = {"EMAIL_FROM_ADDRESS": "a@example.org", "EMAIL_FROM_NAME": "Records"}
    given = [
        {"EMAIL_PROVIDER": "smtp", "SMTP_HOST": "h", "SMTP_USER": "u", "SMTP_PASSWORD": "p"},
        {"EMAIL_PROVIDER": "sendgrid", "SENDGRID_API_KEY": "k"},
        {
            "EMAIL_PROVIDER": "ses",
            "AWS_SES_ACCESS_KEY": "k",
            "AWS_SES_SECRET_KEY": "s",
            "AWS_SES_REGION": "eu-west-1",
        },
        {"EMAIL_PROVIDER": "mailgun", "MAILGUN_DOMAIN": "mg", "MAILGUN_API_KEY": "k"},
    ]

    for variables in given:
        service = read_delivery_settings({**sender, **variables}).mail_service(lambda _: None)

        assert service is not None
        assert service.provider == variables["EMAIL_PROVIDER"]
        assert service.sender.name == "Records"


def test_a_connection_goes_before_the_variables() -> None:
    environment = {
        "SMTP_HOST": "variables.example",
        "EMAIL_FROM_ADDRESS": "a@example.org",
        "AIRFLOW_CONN_DOCLIFE_EMAIL": "smtp://u:p@connection.example:25/?disable_ssl=true"
        "&from_email=b%40example.org",
    }

    service = read_delivery_settings(environment).mail_service(from_environment(environment))

    assert service is not None
    assert (service.host, service.port, service.security) == (
        "connection.example",
        25,
        "starttls",
    )
    assert service.sender.address == "b@example.org"
