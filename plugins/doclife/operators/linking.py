"""Where the messages of tasks lead."""

import logging
from typing import TYPE_CHECKING

from doclife.operators.connecting import find_connection

if TYPE_CHECKING:
    from doclife.delivery.links import Links

logger = logging.getLogger(__name__)


def message_links() -> "Links":
    """Return the links that messages get.

    Pages are where ``DOCLIFE_AIRFLOW_URL`` says, else at Airflow's own ``[api] base_url``. What is
    wrong with public links stands in the task's log, and messages go out without them.
    """
    import os

    from airflow.configuration import conf

    from doclife.delivery.links import read_links

    links = read_links(
        os.environ,
        connections=find_connection,
        airflow_url=conf.get("api", "base_url", fallback=None),
    )
    if links.fault:
        logger.warning("Messages have no public links: %s", links.fault)
    return links
