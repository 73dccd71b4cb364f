"""Cloud Custodian: its filters and its mailer, each over the same items, and how long it takes.

    custodian_peer.py filter ITEMS POLICY
    custodian_peer.py mails ITEMS TEMPLATES

Prints one line of JSON: how many it found or made, in how many seconds, of which the processor's.
Imports, reading the items and loading the policy are not timed: it has its items in memory.
"""

import json
import logging
import sys
import time
from pathlib import Path

PHASE, ITEMS, CONFIGURED = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
TEMPLATE = "documents.html"


class Meter:
    """From now on, how long it takes and what it costs."""

    def __init__(self) -> None:
        self._began, self._spent = time.perf_counter(), time.process_time()

    def tell(self, count: int) -> None:
        seconds = time.perf_counter() - self._began
        processor = time.process_time() - self._spent
        print(json.dumps({"count": count, "seconds": seconds, "processor": processor}))


def filter_items(items: list[dict]) -> None:
    """Run the filters of a policy, as a run of it does after the resources were fetched."""
    from c7n.config import Config
    from c7n.policy import PolicyCollection
    from c7n.resources import load_resources

    load_resources(("aws.ec2",))
    policies = PolicyCollection.from_data(json.loads(CONFIGURED.read_text()), Config.empty())
    manager = next(iter(policies)).resource_manager
    meter = Meter()
    meter.tell(len(manager.filter_resources(items)))


class NoSession:
    """In place of AWS, which nothing is asked of: no mail is sent."""

    def client(self, *_names: object, **_options: object) -> None:
        return None


def make_mails(items: list[dict]) -> None:
    """Group by owner and render one mail each, as it does with a message from its queue."""
    from c7n_mailer.email_delivery import EmailDelivery
    from c7n_mailer.utils import setup_defaults

    config = {
        "contact_tags": ["OwnerContact"],
        "from_address": "records@example.org",
        "templates_folders": [str(CONFIGURED)],
    }
    setup_defaults(config)
    logger = logging.getLogger("custodian_peer")
    message = {
        "policy": {"name": "expiring", "resource": "aws.ec2"},
        "action": {"to": ["resource-owner"], "template": TEMPLATE, "subject": "Summary"},
        "event": None,
        "account": "acme",
        "region": "eu-central-1",
        "resources": items,
    }
    delivery = EmailDelivery(config, NoSession(), logger)
    meter = Meter()
    meter.tell(len(delivery.get_emails_to_mimetext_map(message)))


logging.disable(logging.INFO)
{"filter": filter_items, "mails": make_mails}[PHASE](json.loads(ITEMS.read_text()))
