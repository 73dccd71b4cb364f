"""Where the messages of tasks lead."""

from typing import TYPE_CHECKING

from doclife.operators.connecting import find_connection

if TYPE_CHECKING:
    from doclife.delivery.links import Links


def message_links() -> "Links":
    """Return the links that messages get.

    Pages are where ``DOCLIFE_AIRFLOW_URL`` says, else at Airflow's own ``[api] base_url``.
    """
    import os

    from airflow.configuration import conf

    from doclife.delivery.links import read_links

    return read_links(
        os.environ,
        connections=find_connection,
        airflow_url=conf.get("api", "base_url", fallback=None),
    )
