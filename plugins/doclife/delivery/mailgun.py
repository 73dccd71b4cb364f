"""Mail through Mailgun's v3 API: up to 1,000 people in one call, each seeing only themselves."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import aiohttp

from doclife.delivery.exchange import post
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
        session: aiohttp.ClientSession,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._clock = clock
        self._url = f"{(service.base_url or URL).rstrip('/')}/v3/{service.domain}/messages"
        login = b64encode(f"api:{service.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}

    async def send(self, mails: Sequence[Mail], *, timeout: timedelta) -> Sequence[Attempt]:
        """Send one call for all; none has it when the call was refused."""
        answer = await post(
            self._session, self._url, body=_form(mails), headers=self._headers, timeout=timeout
        )
        attempt = vendor_attempt(answer, now=self._clock(), our_fault=_OUR_FAULT)
        return [attempt] * len(mails)


def _form(mails: Sequence[Mail]) -> aiohttp.FormData:
    first = mails[0]
    # Names of files are checked and go as they are: in percent signs people would read them so.
    form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    form.add_field("from", str(first.sender.header()))
    form.add_field("to", ", ".join(mail.to for mail in mails))
    form.add_field("subject", first.subject)
    form.add_field("text", first.text)
    if first.html is not None:
        form.add_field("html", first.html)
    for file in first.attachments:
        form.add_field("attachment", file.content, filename=file.name, content_type=file.media_type)
    for name, value in first.headers.items():
        form.add_field(f"h:{name}", value)
    if len(mails) == 1:
        form.add_field("h:Message-Id", first.message_id)
    form.add_field("v:delivery_id", "%recipient.delivery_id%")
    variables = {mail.to: {"delivery_id": mail.delivery_id} for mail in mails}
    form.add_field("recipient-variables", json.dumps(variables))
    return form
