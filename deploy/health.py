"""Health checks of docker-compose.yaml: ``python health.py COMPONENT`` ends with 0 or says why not.

``airflow jobs check`` and ``celery inspect`` say the same and load all of Airflow for it: seconds
of a core, for each container, twice a minute. The api-server knows every heartbeat, and a worker
answers a ping of Celery without Airflow.

:param COMPONENT: ``worker``, or one that Airflow's own health page lists: ``metadatabase`` (the
    api-server's own), ``scheduler``, ``dag_processor``, ``triggerer``.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

PING_SECONDS = 5.0
ANSWER_SECONDS = 10.0


def main(component: str) -> int:
    """Print what is wrong, and return the exit code."""
    try:
        fault = fault_of_worker() if component == "worker" else fault_of(component)
    except (OSError, ValueError, LookupError) as error:
        fault = f"{type(error).__name__}: {error}"
    if fault:
        print(f"{component}: {fault}", file=sys.stderr)
    return 1 if fault else 0


def fault_of(component: str) -> str | None:
    """Return what Airflow says of a component unless it is healthy.

    Airflow's heartbeats do not say whose they are: of two triggerers one may be dead unseen.
    """
    # The execution API is where tasks reach the api-server from any container.
    # That is plain http inside the deployment's own network.
    address = urlsplit(os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"])
    asking = HTTPConnection(address.hostname or "", address.port, timeout=ANSWER_SECONDS)
    try:
        asking.request("GET", "/api/v2/monitor/health")
        status = json.load(asking.getresponse())[component]["status"]
    finally:
        asking.close()
    return None if status == "healthy" else str(status)


def fault_of_worker(name: str | None = None) -> str | None:
    """Return what is wrong with a worker, which is asked over the broker.

    :param name: its ``--celery-hostname``; this host's own worker unless given.
    """
    from celery import Celery

    worker = f"celery@{socket.gethostname()}" if name is None else name
    asking = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"], set_as_current=False)
    inspect = asking.control.inspect(destination=[worker], timeout=PING_SECONDS, limit=1)
    return None if inspect.ping() else f"{worker} does not answer"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
