"""Mail through SendGrid's v3 API: up to 1,000 people in one call, each seeing only themselves."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from doclife.delivery.exchange import GuardedClient
from doclife.delivery.mail import Mail
from doclife.delivery.mail_service import MailService
from doclife.delivery.mail_transport import vendor_attempt
from doclife.delivery.outcome import Attempt

URL = "https://api.sendgrid.com"
_OUR_FAULT = frozenset({401, 403})


class SendGridTransport:
    """Hands mail to SendGrid. It answers for a call as a whole: taken (202), or refused."""

    limit = 1000
    """Personalizations in one call (docs.sendgrid.com, "Personalizations")."""
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
        self._url = (service.base_url or URL).rstrip("/") + "/v3/mail/send"
        self._headers = {
            "Authorization": f"Bearer {service.password}",
            "Content-Type": "application/json",
        }

    async def send(self, mails: Sequence[Mail], *, timeout: timedelta) -> Sequence[Attempt]:
        """Send one call for all; none has it when the call was refused."""
        answer = await self._client.post(
            self._url,
            body=json.dumps(_body(mails), ensure_ascii=False).encode(),
            headers=self._headers,
            timeout=timeout,
        )
        attempt = vendor_attempt(answer, now=self._clock(), our_fault=_OUR_FAULT)
        return [attempt] * len(mails)


def _body(mails: Sequence[Mail]) -> dict[str, Any]:
    first = mails[0]
    # Reply-To is refused among the headers: it has a field of its own.
    headers = {name: text for name, text in first.headers.items() if name.lower() != "reply-to"}
    reply_to = next((t for name, t in first.headers.items() if name.lower() == "reply-to"), None)
    sender = {"email": first.sender.address}
    content = [{"type": "text/plain", "value": first.text}]
    if first.html is not None:
        content.append({"type": "text/html", "value": first.html})
    body: dict[str, Any] = {
        "from": sender | ({"name": first.sender.name} if first.sender.name else {}),
        "subject": first.subject,
        "content": content,
        "personalizations": [
            {"to": [{"email": mail.to}], "custom_args": {"delivery_id": mail.delivery_id}}
            for mail in mails
        ],
    }
    if first.attachments:
        body["attachments"] = [
            {
                "content": b64encode(file.content).decode(),
                "filename": file.name,
                "type": file.media_type,
            }
            for file in first.attachments
        ]
    if headers:
        body["headers"] = headers
    if reply_to is not None:
        body["reply_to"] = {"email": reply_to}
    return body
