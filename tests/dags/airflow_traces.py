"""What a run leaves behind in Airflow: its database and the logs of its tasks, as text."""

from __future__ import annotations

from pathlib import Path

from airflow.utils.session import create_session
from sqlalchemy import MetaData, select

import tests.airflow_environment as environment


def everything_in_airflow() -> str:
    """Return every row of Airflow's own database: XComs, rendered fields, logs, triggers, ..."""
    with create_session() as session:
        tables = MetaData()
        tables.reflect(session.connection())
        assert "xcom" in tables.tables
        return "\n".join(
            str(tuple(row))
            for table in tables.sorted_tables
            for row in session.execute(select(table))
        )


def everything_written() -> str:
    """Return every log file of a task."""
    return "\n".join(
        path.read_text(errors="replace")
        for path in Path(environment.HOME).rglob("*.log")
        if path.is_file()
    )
