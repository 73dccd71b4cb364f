"""Sets what Airflow reads before anything imports it."""

import tests.airflow_environment  # noqa: F401 - before Airflow is
from tests.lifecycle import conftest as lifecycle_conftest

world = lifecycle_conftest.world
