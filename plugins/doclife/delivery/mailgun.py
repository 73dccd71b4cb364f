"""Mail through Mailgun's v3 API: up to 1,000 people in one call, each seeing only themselves."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from doclife.delivery.exchange import Field, GuardedClient
from doclife.delivery.mail import Mail
from doclife.delivery.mail_service import MailService
from doclife.delivery.mail_transport import vendor_attempt
from doclife.delivery.outcome import Attempt

URL = "https://api.mailgun.net"
_OUR_FAULT = frozenset({401, 402, 403, 404})
"""A wrong key, an account that is not paid for or is suspended, a domain it does not know."""


class MailgunTransport:
    """Hands mail to Mailgun. It answers for a call as a whole.

    ``recipient-variables`` make a call of many one mail for each: without them everybody would
    stand in everybody's ``To``.
    """

    limit = 1000
    is_shared = True
    concurrency = 4

    def __init__(
        self,
        service: MailService,
        client: GuardedClient,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._clock = clock
        self._url = f"{(service.base_url or URL).rstrip('/')}/v3/{service.domain}/messages"
        login = b64encode(f"api:{service.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}

    async def send(self, mails: Sequence[Mail], *, timeout: timedelta) -> Sequence[Attempt]:
        """Send one call for all; none has it when the call was refused."""
        answer = await self._client.post(
            self._url, body=_form(mails), headers=self._headers, timeout=timeout
        )
        attempt = vendor_attempt(answer, now=self._clock(), our_fault=_OUR_FAULT)
        return [attempt] * len(mails)


def _form(mails: Sequence[Mail]) -> list[Field]:
    first = mails[0]
    texts: dict[str, str | None] = {
        "from": str(first.sender.header()),
        "to": ", ".join(mail.to for mail in mails),
        "subject": first.subject,
        "text": first.text,
        "html": first.html,
        **{f"h:{name}": value for name, value in first.headers.items()},
        "h:Message-Id": first.message_id if len(mails) == 1 else None,
        "v:delivery_id": "%recipient.delivery_id%",
        "recipient-variables": json.dumps(
            {mail.to: {"delivery_id": mail.delivery_id} for mail in mails}
        ),
    }
    fields = [
        Field(name=name, content=text.encode()) for name, text in texts.items() if text is not None
    ]
    files = [
        Field(
            name="attachment",
            content=file.content,
            filename=file.name,
            media_type=file.media_type,
        )
        for file in first.attachments
    ]
    return fields + files
