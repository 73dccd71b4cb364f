"""Signatures and the one way in which a value is written before it is signed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doclife.domain.canonical import canonical
from doclife.domain.signature import (
    SigningKey,
    fingerprint,
    key_of_text,
    text_of_key,
)
from tests.offline import is_signed

# RFC 8032, 7.1, TEST 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=12,
)


def test_signatures_are_those_of_rfc_8032() -> None:
    key = SigningKey(seed=SEED)

    assert key.public_key == PUBLIC
    assert key.sign(b"\x72") == SIGNATURE
    assert is_signed(PUBLIC, SIGNATURE, b"\x72")


@pytest.mark.parametrize(
    ("public", "signature", "message"),
    [
        (PUBLIC, SIGNATURE, b"\x73"),
        (PUBLIC, SIGNATURE[:-1] + b"\x01", b"\x72"),
        (SigningKey(seed=b"\x01" * 32).public_key, SIGNATURE, b"\x72"),
        (PUBLIC, b"", b"\x72"),
        (b"short", SIGNATURE, b"\x72"),
    ],
    ids=["another message", "another signature", "another key", "no signature", "no key"],
)
def test_what_was_not_signed_is_not_verified(
    public: bytes, signature: bytes, message: bytes
) -> None:
    assert not is_signed(public, signature, message)


def test_a_key_shows_itself_nowhere() -> None:
    key = SigningKey(seed=SEED)

    assert key_of_text(f" {text_of_key(key)}\n") == key
    assert SEED.hex() not in repr(key)
    assert str(list(SEED)) not in repr(key)
    assert key.fingerprint == fingerprint(PUBLIC)


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", "A" * 88])
def test_what_is_no_key_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is no base64|a key has 32 bytes") as refused:
        key_of_text(text)

    assert not text or text not in str(refused.value)


@given(JSON)
def test_a_value_has_one_canonical_form_and_loses_nothing(value: object) -> None:
    written = canonical(value)

    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written


def test_the_order_in_which_keys_were_written_does_not_matter() -> None:
    assert canonical({"b": 1, "a": [True, None, "é"]}) == '{"a":[true,null,"é"],"b":1}'.encode()
    assert canonical({"a": [True, None, "é"], "b": 1}) == canonical(
        {"b": 1, "a": [True, None, "é"]}
    )


@pytest.mark.parametrize("value", [1.5, {"a": 0.0}, [float("nan")], {1: "a"}, {"a": b"bytes"}])
def test_what_two_programs_write_in_two_ways_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="has no canonical form"):
        canonical(value)
