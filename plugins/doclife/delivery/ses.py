"""Mail through Amazon SES v2: the same bytes as over SMTP, one person a call, an id for each."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from doclife.delivery.exchange import Answer, GuardedClient
from doclife.delivery.mail import Mail
from doclife.delivery.mail_service import MailService
from doclife.delivery.mail_transport import json_of, stopped, vendor_attempt
from doclife.delivery.outcome import Attempt, Outcome
from doclife.delivery.sigv4 import AwsKey, signed_headers

_OUR_FAULT = frozenset({401, 403})
_THROTTLED = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"}
)
_STOPPED = frozenset(
    {
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
    }
)
"""The account, the domain or the configuration set: no mail's fault."""
WHEN_THROTTLED = timedelta(seconds=30)
"""SES says no Retry-After; what it cannot take it drops instead of queueing."""


class SesTransport:
    """Hands mail to SES.

    :param clock: the present, for the signature and for ``Date``.
    """

    limit = 1
    is_shared = False
    concurrency = 8
    """New production accounts begin at 14 mails a second."""

    def __init__(
        self,
        service: MailService,
        client: GuardedClient,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        region = service.region or ""
        self._client = client
        self._clock = clock
        base = service.base_url or f"https://email.{region}.amazonaws.com"
        self._url = f"{base.rstrip('/')}/v2/email/outbound-emails"
        self._key = AwsKey(
            access_key=service.login or "",
            secret_key=service.password or "",
            session_token=service.session_token,
            region=region,
            service="ses",
        )

    async def send(self, mails: Sequence[Mail], *, timeout: timedelta) -> Sequence[Attempt]:
        """Send each by itself."""
        return [await self._send(mail, timeout) for mail in mails]

    async def _send(self, mail: Mail, timeout: timedelta) -> Attempt:
        now = self._clock()
        body = json.dumps(
            {
                "FromEmailAddress": str(mail.sender.header()),
                "Destination": {"ToAddresses": [mail.to]},
                "Content": {"Raw": {"Data": b64encode(mail.mime(now=now)).decode()}},
                "EmailTags": [{"Name": "delivery_id", "Value": mail.delivery_id}],
            }
        ).encode()
        headers = signed_headers(
            self._key,
            method="POST",
            url=self._url,
            headers={"content-type": "application/json"},
            body=body,
            now=now,
        )
        answer = await self._client.post(self._url, body=body, headers=headers, timeout=timeout)
        attempt = vendor_attempt(answer, now=now, our_fault=_OUR_FAULT)
        if not isinstance(answer, Answer) or attempt.outcome is Outcome.SENT:
            return attempt
        kind = _kind(answer)
        if kind in _THROTTLED:
            return replace(attempt, outcome=Outcome.RETRY, retry_after=WHEN_THROTTLED)
        if kind in _STOPPED:
            return stopped(attempt, f"Amazon SES takes no mail from us: {kind}")
        return attempt


def _kind(answer: Answer) -> str:
    """Return the name of an error, e.g. MessageRejected."""
    name = answer.header("x-amzn-ErrorType") or str(json_of(answer).get("__type", ""))
    return name.split(":")[0].rpartition("#")[2]
