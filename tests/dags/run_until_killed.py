"""Goes on with a DAG run in a process of its own, which a test can kill.

    python -m tests.dags.run_until_killed DAG_FOLDER DAG_ID RUN_ID

It works in the Airflow that the environment names: that of the test that started it.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path


def main(folder: str, dag_id: str, run_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("airflow.api_fastapi.execution_api.app")
    from tests.dags.airflow_runs import Run, parse

    Run(parse(Path(folder)).dags[dag_id], run_id=run_id).go_on()


if __name__ == "__main__":
    main(*sys.argv[1:])
