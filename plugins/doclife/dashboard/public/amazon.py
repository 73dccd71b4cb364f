"""Asks Amazon, and nobody else, for certificates and confirmations."""

import os
from datetime import timedelta

from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.exchange import Answer, open_client
from doclife.delivery.mail_events import RefusedEvent
from doclife.delivery.ses_events import check_address

TIMEOUT = timedelta(seconds=10)


async def fetch_from_amazon(url: str) -> bytes:
    """Return what is at an address of SNS, at most 64 kB of it.

    Through the guarded client, which reaches public addresses only and follows no redirects.

    :raises RefusedEvent: it is another address, or does not answer with 200.
    """
    check_address(url)
    guard = read_delivery_settings(os.environ).guard
    async with open_client(guard) as client:
        answer = await client.get(url, timeout=TIMEOUT)
    if not isinstance(answer, Answer):
        raise RefusedEvent(f"Amazon cannot be reached: {answer.error}")
    if answer.status != 200:
        raise RefusedEvent(f"Amazon answered {answer.status}")
    return answer.head
