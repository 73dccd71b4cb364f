"""Merkle trees after RFC 6962."""

from __future__ import annotations

from hashlib import sha256

import pytest

from doclife.domain.merkle import inclusion_path, leaf_hash, root_of
from tests.offline import is_included

# Roots over the first n of these leaves, from the test data of Certificate Transparency.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root_of(map(leaf_hash, LEAVES[:size])).hex() == ROOTS[size]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]) == sha256(b"").digest()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 33])
def test_every_leaf_has_a_path_to_the_root_and_to_no_other(size: int) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    root = root_of(leaves)
    for index, leaf in enumerate(leaves):
        path = inclusion_path(leaves, index)

        assert is_included(leaf, index=index, size=size, path=path, root=root)
        stranger = leaf_hash(b"another")
        assert not is_included(stranger, index=index, size=size, path=path, root=root)
        assert not is_included(leaf, index=index + 1, size=size, path=path, root=root)
        assert not is_included(leaf, index=index, size=size, path=[*path, leaf], root=root)
        assert not is_included(leaf, index=index, size=size, path=path, root=stranger)
        if path:
            assert not is_included(leaf, index=index, size=size, path=path[:-1], root=root)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")

    assert leaf_hash(left + right) != root_of([left, right])


def test_a_leaf_that_is_not_there_has_no_path() -> None:
    with pytest.raises(IndexError, match="no leaf 1 among 1"):
        inclusion_path([leaf_hash(b"a")], 1)
