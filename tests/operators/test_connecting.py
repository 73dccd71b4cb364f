from __future__ import annotations

from datetime import date

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from doclife.errors import ConfigurationError
from doclife.operators.connecting import documents_database, find_connection
from doclife.storage.credentials import credentials


@pytest.fixture
def documents_connection(database, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_DOCUMENTS", database)


def test_a_session_is_prepared_and_named(documents_connection):
    with documents_database("documents", application_name="doclife night.delete[3]") as conn:
        name = conn.execute("SHOW application_name").fetchone()
        path = conn.execute("SHOW search_path").fetchone()
        permanent = conn.execute("SELECT 'infinity'::date").fetchone()

    assert name == ("doclife night.delete[3]",)
    assert path == ("doclife, pg_temp",)
    assert permanent == (date.max,)


def test_a_session_is_closed_whatever_happens(documents_connection):
    with (
        pytest.raises(RuntimeError),
        documents_database("documents", application_name="doclife") as conn,
    ):
        raise RuntimeError

    assert conn.closed


def test_a_connection_that_does_not_exist_is_a_fault_that_lasts():
    with (
        pytest.raises(AirflowNotFoundException),
        documents_database("no_such_connection", application_name="doclife"),
    ):
        pass


def test_a_database_that_lets_nobody_in_is_a_fault_that_lasts(database, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_DOCUMENTS", f"{database.partition('?')[0]}_is_missing")

    with (
        pytest.raises(ConfigurationError, match=r"Connection 'documents'.* does not exist"),
        documents_database("documents", application_name="doclife"),
    ):
        pass


def test_a_database_that_is_away_may_come_back(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_DOCUMENTS", "postgresql://doclife@127.0.0.1:1/doclife")

    with (
        pytest.raises(psycopg.OperationalError),
        documents_database("documents", application_name="doclife"),
    ):
        pass


def test_credentials_of_a_store_are_an_airflow_connection(monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_VAULT",
        '{"conn_type": "aws", "login": "KEY", "password": "SECRET",'
        ' "extra": {"endpoint_url": "http://127.0.0.1:9000"}}',
    )

    options = credentials(find_connection)("vault")

    assert (options["key"], options["secret"]) == ("KEY", "SECRET")
    assert "http://127.0.0.1:9000" in str(options)
