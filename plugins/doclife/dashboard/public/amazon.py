"""Asks Amazon, and nobody else, for certificates and confirmations."""

import os

import aiohttp

from doclife.delivery.configuration import read_delivery_settings
from doclife.delivery.mail_events import RefusedEvent
from doclife.delivery.ses_events import check_address

MOST_BYTES = 64_000
TIMEOUT = aiohttp.ClientTimeout(total=10)


async def fetch_from_amazon(url: str) -> bytes:
    """Return what is at an address of SNS.

    Through the guarded session, which reaches public addresses only; redirects are not followed.

    :raises RefusedEvent: it is another address, or does not answer with 200.
    """
    check_address(url)
    guard = read_delivery_settings(os.environ).guard
    try:
        async with (
            guard.session() as session,
            session.get(url, allow_redirects=False, timeout=TIMEOUT) as answer,
        ):
            content = await answer.content.read(MOST_BYTES)
            if answer.status != 200:
                raise RefusedEvent(f"Amazon answered {answer.status}")
            return content
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        raise RefusedEvent(f"Amazon cannot be reached: {type(error).__name__}") from error
