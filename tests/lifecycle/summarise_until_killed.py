"""Stores digests in a process of its own and dies by SIGKILL at a chosen step.

python -m tests.lifecycle.summarise_until_killed DATABASE STEP
"""

from __future__ import annotations

import sys

from doclife.lifecycle import summarising
from doclife.store.connection import connect

from .conftest import NOW
from .drain_until_killed import dying


def main() -> None:
    database, step = sys.argv[1:]
    digests = summarising.digests
    if step == "begun":
        digests.begin_day = dying(digests.begin_day)
    elif step == "storing":
        digests.store = dying(digests.store, before=True, time=2)
    elif step == "stored":
        digests.store = dying(digests.store, time=2)
    elif step == "finishing":
        digests.finish_day = dying(digests.finish_day, before=True)
    with connect(database, application_name="summaries") as conn:
        summarising.store_digests(
            conn,
            now=NOW,
            as_of=NOW,
            actor="schedule",
            dag_id="d",
            run_id="r",
            is_early=True,
        )


if __name__ == "__main__":
    main()
