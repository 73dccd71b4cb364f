"""What was looked at before a batch, as a text that comes back from anybody."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doclife.domain.batch import BatchDeed, BatchRequest
from doclife.domain.batch_seal import LONGEST_SEAL, opened, seal, through_of

DELETE = BatchRequest(deed=BatchDeed.DELETE)
ARCHIVE = BatchRequest(deed=BatchDeed.ARCHIVE)


@given(st.lists(st.integers(1, 2**60), unique=True), st.data())
def test_it_says_to_which_documents_it_would_have_been_done(
    found: list[int], data: st.DataObject
) -> None:
    ids = sorted(found)
    to_do = frozenset(one for one in ids if data.draw(st.booleans()))

    assert opened(seal(DELETE, ids, to_do=to_do), DELETE, ids) == to_do


def test_it_is_of_these_documents_and_this_deed_only() -> None:
    made = seal(DELETE, [1, 2], to_do=[1])

    assert opened(made, DELETE, [1, 2]) == {1}
    assert opened(made, DELETE, [1, 2, 3]) is None
    assert opened(made, ARCHIVE, [1, 2]) is None
    assert through_of(made) == 2


@pytest.mark.parametrize(
    "packed",
    [b"", b"no zlib", zlib.compress(b""), zlib.compress(b"\0" * 2), zlib.compress(b"\0" * 10**8)],
)
def test_what_does_not_fit_the_documents_is_no_seal_and_is_not_unpacked(packed: bytes) -> None:
    beginning = seal(DELETE, [1, 2]).rpartition("-")[0]
    forged = f"{beginning}-{base64.urlsafe_b64encode(packed).decode()}"

    assert opened(forged, DELETE, [1, 2]) is None
    assert opened(f"{beginning}-\N{SNOWMAN}", DELETE, [1, 2]) is None


def test_the_largest_batch_has_room() -> None:
    ids = list(range(10**6, 10**6 + 100_000))
    every_other_by_no_pattern = {one for one in ids if one * 2654435761 >> 13 & 1}

    assert len(seal(DELETE, ids, to_do=every_other_by_no_pattern)) < LONGEST_SEAL


@pytest.mark.parametrize("text", ["", "x", "-", "x-1", "\N{SUPERSCRIPT TWO}-1", "1" * 30 + "-1"])
def test_what_is_no_seal_says_nothing(text: str) -> None:
    assert through_of(text) is None
