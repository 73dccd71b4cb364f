"""The environment becomes settings, and every fault of it is told at once."""

import json

import pytest
from psycopg.conninfo import conninfo_to_dict

from doclife.errors import ConfigurationError
from doclife.settings import read_settings


def test_without_anything_set_no_database_is_known():
    settings = read_settings({})

    assert settings.database is None
    assert settings.organization == "default"


def test_asking_for_a_database_that_nobody_named_tells_three_ways():
    with pytest.raises(ConfigurationError, match=r"DOCLIFE_DATABASE_URL.*AIRFLOW_CONN.*\./run"):
        read_settings({}).require_database()


def test_the_own_variable_comes_before_airflows():
    settings = read_settings(
        {
            "DOCLIFE_DATABASE_URL": "postgresql://a@one/x",
            "AIRFLOW_CONN_DOCUMENTS": "postgres://b@two/y",
        }
    )

    assert settings.database == "postgresql://a@one/x"


def test_an_empty_variable_is_not_set():
    settings = read_settings(
        {"DOCLIFE_DATABASE_URL": "", "AIRFLOW_CONN_DOCUMENTS": "postgres://b@two/y"}
    )

    assert conninfo_to_dict(settings.database) == {"user": "b", "host": "two", "dbname": "y"}


@pytest.mark.parametrize(
    "connection",
    [
        "postgres://me:p%40ss@db.example:6432/docs?sslmode=require&__extra__=%7B%22x%22%3A+1%7D",
        json.dumps(
            {
                "conn_type": "postgres",
                "host": "db.example",
                "port": 6432,
                "login": "me",
                "password": "p@ss",
                "schema": "docs",
                "extra": {"sslmode": "require", "cursor": "dictcursor"},
            }
        ),
    ],
    ids=["URI", "JSON"],
)
def test_airflows_connection_is_read_and_what_only_airflow_knows_left_out(connection):
    settings = read_settings({"AIRFLOW_CONN_DOCUMENTS": connection})

    assert conninfo_to_dict(settings.database) == {
        "host": "db.example",
        "port": "6432",
        "user": "me",
        "password": "p@ss",
        "dbname": "docs",
        "sslmode": "require",
    }


def test_every_fault_is_told_at_once_and_no_password():
    with pytest.raises(ConfigurationError) as told:
        read_settings(
            {"DOCLIFE_DATABASE_URL": "mysql://me:secret@x/y", "DOCLIFE_ORGANIZATION": "A B"}
        )

    assert "DOCLIFE_DATABASE_URL" in str(told.value)
    assert "DOCLIFE_ORGANIZATION" in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "text", ["{not json", "aws://x", '{"conn_type": "aws"}', "postgres://h:port/"]
)
def test_a_connection_of_another_kind_is_refused(text):
    with pytest.raises(ConfigurationError, match="AIRFLOW_CONN_DOCUMENTS is no"):
        read_settings({"AIRFLOW_CONN_DOCUMENTS": text})


@pytest.mark.parametrize(
    "url",
    ["postgresql://x:sec%zzretpw@127.0.0.1/foo", "postgresql://x:half@secret@127.0.0.1:5432/foo"],
)
def test_a_url_that_cannot_be_read_is_refused_without_quoting_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="%40") as caught:
        read_settings({"DOCLIFE_DATABASE_URL": url})

    assert "sec" not in str(caught.value)


@pytest.mark.parametrize(("said", "days"), [("", 8), ("0", 0), ("2", 2)])
def test_from_what_age_of_the_last_backup_on_to_warn(said, days):
    assert read_settings({"DOCLIFE_BACKUP_DAYS": said}).backup_days == days


@pytest.mark.parametrize("said", ["weekly", "-1", "1.5", "99999"])
def test_an_age_of_backups_that_is_none_is_refused(said):
    with pytest.raises(ConfigurationError, match=r"DOCLIFE_BACKUP_DAYS=.*is no number of days"):
        read_settings({"DOCLIFE_BACKUP_DAYS": said})
