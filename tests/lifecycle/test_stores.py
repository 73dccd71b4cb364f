from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from doclife.connections import ServiceConnection, from_environment
from doclife.errors import ConfigurationError, StorageError
from doclife.lifecycle.stores import (
    RegisteredStore,
    adopt_stores,
    describe_stores,
    open_stores,
    register_store,
)
from doclife.storage.credentials import credentials, s3_options
from doclife.storage.marker import MARKER_NAME, MarkerState
from doclife.store.connection import Connection
from tests.lifecycle.importing import NOW


def no_options(connection_id: str) -> Mapping[str, Any]:
    raise ConfigurationError(f"{connection_id} is not known")


def register(conn: Connection, root: Path, name: str | None = None) -> RegisteredStore:
    return register_store(
        conn,
        name=name,
        root=str(root),
        connection_id=None,
        now=NOW,
        actor="user:olga",
        options=no_options,
    )


def markers(conn: Connection) -> list[str]:
    return [status.marker for status in describe_stores(conn, options=no_options)]


def adopt(conn: Connection, *names: str) -> list[str]:
    statuses = adopt_stores(
        conn, names=names or None, now=NOW, actor="user:olga", options=no_options
    )
    return [status.marker for status in statuses]


def test_a_registered_store_carries_our_marker(conn: Connection, tmp_path: Path) -> None:
    registered = register(conn, tmp_path, "papers")

    assert (registered.is_new, registered.is_writable) == (True, True)
    assert (tmp_path / MARKER_NAME).exists()
    assert open_stores(conn, options=no_options).named("papers").marker_state() is MarkerState.OURS
    audited = conn.execute("SELECT action, actor, at FROM audit_entries").fetchall()
    assert audited == [("store.registered", "user:olga", NOW)]


def test_registering_again_changes_nothing(conn: Connection, tmp_path: Path) -> None:
    register(conn, tmp_path)
    content = (tmp_path / MARKER_NAME).read_bytes()

    assert not register(conn, tmp_path).is_new
    assert (tmp_path / MARKER_NAME).read_bytes() == content
    assert len(markers(conn)) == 1


def test_a_marker_that_has_gone_is_not_written_again(conn: Connection, tmp_path: Path) -> None:
    """A folder without it may be the mount point of a disk that is not there."""
    register(conn, tmp_path)
    (tmp_path / MARKER_NAME).unlink()

    assert not register(conn, tmp_path).is_writable
    assert markers(conn) == ["absent"]


def test_adopting_makes_a_store_ours_again(conn: Connection, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        register(conn, tmp_path / name)
        (tmp_path / name / MARKER_NAME).write_text("theirs")

    assert markers(conn) == ["foreign", "foreign"]
    assert adopt(conn, "two") == ["foreign", "ours"]
    assert adopt(conn) == ["ours", "ours"]
    assert adopt(conn) == ["ours", "ours"]
    adopted = conn.execute("SELECT reason FROM audit_entries WHERE action = 'store.adopted'")
    assert len(adopted.fetchall()) == 2


def test_adopting_a_folder_that_is_gone_says_so(conn: Connection, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    register(conn, tmp_path / "papers")
    (tmp_path / "papers" / MARKER_NAME).unlink()
    (tmp_path / "papers").rmdir()

    with pytest.raises(StorageError, match="cannot be written to"):
        adopt(conn)


@pytest.mark.parametrize("name", ["", "a b", "A", "-", "a/b"])
def test_a_store_name_is_lower_case_words(conn: Connection, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a store"):
        register(conn, tmp_path, name)


def test_a_store_in_another_cannot_have_a_name_of_its_own(conn: Connection, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    register(conn, tmp_path, "papers")

    with pytest.raises(ConfigurationError, match="belongs to store 'papers'"):
        register(conn, tmp_path / "in", "other")


@pytest.mark.parametrize(
    "value",
    [
        "aws://KEY:S%2FECRET@/?region_name=eu-west-1&endpoint_url=http%3A%2F%2Fminio%3A9000",
        '{"conn_type": "aws", "login": "KEY", "password": "S/ECRET", "extra": '
        '{"region_name": "eu-west-1", "endpoint_url": "http://minio:9000"}}',
        '{"conn_type": "aws", "login": "KEY", "password": "S/ECRET", "extra": '
        '"{\\"region_name\\": \\"eu-west-1\\", \\"endpoint_url\\": \\"http://minio:9000\\"}"}',
        "aws://KEY:S%2FECRET@/?__extra__=%7B%22region_name%22%3A+%22eu-west-1%22%2C+"
        "%22endpoint_url%22%3A+%22http%3A%2F%2Fminio%3A9000%22%7D",
    ],
)
def test_credentials_come_from_a_connection_in_the_environment(value: str) -> None:
    find = credentials(from_environment({"AIRFLOW_CONN_CLOUD": value}))

    assert find("cloud") == {
        "key": "KEY",
        "secret": "S/ECRET",
        "endpoint_url": "http://minio:9000",
        "client_kwargs": {"region_name": "eu-west-1"},
    }


@pytest.mark.parametrize("value", ["KEY:SECRET", "{", '{"extra": "SECRET"}'])
def test_a_bad_connection_never_shows_its_secret(value: str) -> None:
    find = credentials(from_environment({"AIRFLOW_CONN_CLOUD": value}))

    with pytest.raises(ConfigurationError, match="AIRFLOW_CONN_CLOUD") as raised:
        find("cloud")
    assert "SECRET" not in str(raised.value)


def test_without_a_connection_the_standard_variables_do() -> None:
    find = credentials(from_environment({}))

    with pytest.raises(ConfigurationError, match="standard AWS variables"):
        find("cloud")
    assert s3_options(ServiceConnection(id="cloud", type="aws")) == {}


def test_a_cold_store_is_remembered_as_one(conn: Connection, tmp_path: Path) -> None:
    for name in ("vault", "archive"):
        (tmp_path / name).mkdir()
        register_store(
            conn,
            name=name,
            root=str(tmp_path / name),
            connection_id=None,
            now=NOW,
            actor="user:olga",
            options=no_options,
            is_cold=name == "vault",
        )

    stores = open_stores(conn, options=no_options)

    assert stores.named("vault").record.is_cold
    assert not stores.named("archive").record.is_cold
