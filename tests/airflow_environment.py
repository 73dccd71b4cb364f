"""An Airflow for this test process alone; importing it sets the environment.

Airflow reads its settings when it is first imported, so conftest.py files import this module before
anything of Airflow.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DAGS_FOLDER = ROOT / "dags"
EXAMPLES_FOLDER = Path(__file__).parent / "dags" / "somebodys_dags"

HOME = Path(tempfile.mkdtemp(prefix="doclife-test-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

SETTINGS = {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_FOLDER),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__FERNET_KEY": "",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(HOME / "logs"),
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-" * 5,
    "AIRFLOW_CONN_DOCLIFE_SIGNING": (
        '{"conn_type": "generic", "password": "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtbzE="}'
    ),
}
os.environ.update(SETTINGS)
