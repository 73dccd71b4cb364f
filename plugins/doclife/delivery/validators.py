"""What people type: mail addresses, Slack's webhook URLs and channels, headers.

Looked at when it is set up and again when it is used; each raises ConfigurationError with what is
wrong and what to write instead, and quotes no secret. URLs of webhooks are the guard's.
"""

import re
from collections.abc import Mapping

from doclife.delivery.guard import Guard, RefusedUrl
from doclife.domain.address import is_address
from doclife.errors import ConfigurationError

MAX_HEADERS = 10
MAX_HEADER_BYTES = 1024
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # RFC 9110, 5.6.2: token
_OURS = frozenset(
    {
        *("accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
        *("cookie", "expect", "host", "keep-alive", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "user-agent"),
    }
)
_SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_SLACK_PATH = re.compile(r"/(services|workflows|triggers)/[A-Za-z0-9/_-]+")
_SLACK_CHANNEL = re.compile(r"[#@]?[^\s<>|,]{1,80}")


def check_email_address(text: str) -> str:
    """Return a mail address that can be written to: ``name@host.domain`` in ASCII and no more."""
    if not is_address(text):
        raise ConfigurationError(
            f"{text!r} is no mail address: write one plain address such as records@example.org"
        )
    return text


def check_slack_webhook_url(text: str) -> str:
    """Return an incoming webhook's URL of Slack. It is a secret: whoever has it can post."""
    try:
        url = Guard().check_url(text)
    except RefusedUrl as error:
        raise ConfigurationError(f"this is no webhook URL of Slack: {error}") from None
    if url.host not in _SLACK_HOSTS or not _SLACK_PATH.fullmatch(url.path) or url.query_string:
        raise ConfigurationError(
            "this is no webhook URL of Slack: it is https://hooks.slack.com/services/T.../B.../... "
            "as Slack shows it under Incoming Webhooks"
        )
    return str(url)


def check_slack_channel(text: str) -> str:
    """Return a channel's id or name as ``chat.postMessage`` takes it."""
    if not _SLACK_CHANNEL.fullmatch(text):
        raise ConfigurationError(
            f"{text!r} is no Slack channel: write its id (C0123456789) or #name"
        )
    return text


def check_headers(headers: Mapping[str, object]) -> dict[str, str]:
    """Return headers that may be sent with every call of an endpoint, at most 10 of 1 kB each.

    Values are not quoted in what is raised: some carry a receiver's own token.
    """
    if len(headers) > MAX_HEADERS:
        raise ConfigurationError(f"at most {MAX_HEADERS} headers can be sent along")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no header name")
        if name.lower() in _OURS or name.lower().startswith("webhook-"):
            raise ConfigurationError(f"the header {name!r} is set by doclife")
        if (
            not isinstance(value, str)
            or not (value.isascii() and value.isprintable())
            or len(value) > MAX_HEADER_BYTES
        ):
            raise ConfigurationError(
                f"the value of header {name!r} is not printable ASCII of at most "
                f"{MAX_HEADER_BYTES} characters"
            )
    return {name: str(value) for name, value in headers.items()}
