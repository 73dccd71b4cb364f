"""What the public pages need to know, read from the environment and from Airflow's Connections."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from doclife.connections import Connections
from doclife.dashboard.connecting import find_connection
from doclife.dashboard.public.amazon import fetch_from_amazon
from doclife.dashboard.public.buckets import Buckets, Rate
from doclife.delivery.configuration import DeliverySettings, read_delivery_settings
from doclife.delivery.link_tokens import LinkKeys, read_link_keys
from doclife.delivery.links import read_public_url
from doclife.delivery.mail_service import MailService
from doclife.delivery.ses_events import SnsReader
from doclife.errors import ConfigurationError

BY_ADDRESS = Rate(per_minute=60, burst=30)
BY_TOKEN = Rate(per_minute=10, burst=10)
OF_EVENTS = Rate(per_minute=6_000, burst=2_000)
"""A mail service may tell about each of many thousand mails by itself."""


@dataclass(kw_only=True)
class PublicConfiguration:
    """The edge of the public pages; one per process.

    :param environment: read anew for each request, like the Connections: a key that was replaced
        counts at once.
    :param present: the present, aware.
    :param ticks: a clock that only goes forward, in seconds.
    """

    environment: Callable[[], dict[str, str]]
    connections: Connections
    present: Callable[[], datetime]
    ticks: Callable[[], float] = time.monotonic
    by_address: Buckets = field(default_factory=lambda: Buckets(BY_ADDRESS))
    by_token: Buckets = field(default_factory=lambda: Buckets(BY_TOKEN))
    of_events: Buckets = field(default_factory=lambda: Buckets(OF_EVENTS))
    amazon: SnsReader = field(default_factory=lambda: SnsReader(fetch_from_amazon))

    def is_on(self) -> bool:
        """Whether there are public pages at all; a wrong address counts as none."""
        try:
            return read_public_url(self.environment()) is not None
        except ConfigurationError:
            return False

    def keys(self) -> LinkKeys | None:
        """Return what links are sealed with."""
        return read_link_keys(self.connections)

    def delivery(self) -> DeliverySettings:
        """Return how mail is sent."""
        return read_delivery_settings(self.environment())

    def mail_service(self) -> MailService | None:
        """Return the service whose events are received."""
        return self.delivery().mail_service(self.connections)


CONFIGURATION = PublicConfiguration(
    environment=lambda: dict(os.environ),
    connections=find_connection,
    present=lambda: datetime.now(UTC),
)


def public_configuration() -> PublicConfiguration:
    """Return the configuration of this process: what routes depend on, and tests replace."""
    return CONFIGURATION
