import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doclife.errors import ConfigurationError
from doclife.storage import uris

LOCAL_PATHS = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)


@pytest.mark.parametrize(
    ("written", "spelling"),
    [
        ("/srv/a b/%.pdf", "file:///srv/a%20b/%25.pdf"),
        ("/srv//documents/./x/../y/", "file:///srv/documents/y"),
        ("//srv/documents", "file:///srv/documents"),
        ("file:///srv/a%20b", "file:///srv/a%20b"),
        ("file://localhost/srv/%61", "file:///srv/a"),
        ("/srv/Verträge", "file:///srv/Vertr%C3%A4ge"),
        ("/srv/line\nbreak", "file:///srv/line%0Abreak"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://bucket/a b//%41/", "s3://bucket/a b//%41"),
    ],
)
def test_gives_each_object_one_spelling(written: str, spelling: str) -> None:
    assert uris.normalised(written) == spelling
    assert uris.normalised(spelling) == spelling


@pytest.mark.parametrize("text", ["", "gs://b/x", "s3://", "file://host/x", "file://x", "a\0b"])
def test_refuses_what_names_no_place(text: str) -> None:
    with pytest.raises(ConfigurationError):
        uris.normalised(text)


@given(LOCAL_PATHS)
def test_odd_local_names_come_back_byte_for_byte(name: bytes) -> None:
    path = os.path.normpath(os.fsdecode(b"/srv/" + name))

    uri = uris.of_path(path)

    assert uris.local_path(uri) == "/" + path.lstrip("/")
    assert uri.isascii()
    assert uri.isprintable()


def test_a_relative_path_counts_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert uris.normalised("x") == uris.of_path(str(tmp_path / "x"))


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a\0"])
def test_no_name_leads_out_of_a_store(name: str) -> None:
    with pytest.raises(ConfigurationError):
        uris.joined("file:///srv", name)


def test_a_neighbour_with_the_same_beginning_is_not_within() -> None:
    assert uris.is_within("file:///srv/a/b", root_uri="file:///srv/a")
    assert uris.is_within("file:///srv/a", root_uri="file:///srv/a")
    assert not uris.is_within("file:///srv/ab", root_uri="file:///srv/a")


def test_an_odd_path_can_be_had_back_from_what_is_printed() -> None:
    path = "/tmp/caf\udce9 100%\n.txt"

    assert uris.escaped(path) == "/tmp/caf%E9 100%25%0A.txt"
    assert os.fsdecode(unquote_to_bytes(uris.escaped(path))) == path


def test_a_title_is_one_line_of_valid_text() -> None:
    assert uris.printable("a\nb\udce4 c") == "a\ufffdb\ufffd c"
