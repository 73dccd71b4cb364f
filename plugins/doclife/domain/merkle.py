"""Merkle trees as RFC 6962 has them: one root for many leaves, a short proof for each.

Leaves and inner nodes are hashed with different first bytes, so that neither passes for the other.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of one leaf."""
    return sha256(b"\x00" + content).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over hashes of leaves, in their order.

    Read once, from front to back; what is kept is one hash for each doubling of their number.
    """
    pending: list[tuple[int, bytes]] = []
    for leaf in leaves:
        height, node = 0, leaf
        while pending and pending[-1][0] == height:
            node = _node_hash(pending.pop()[1], node)
            height += 1
        pending.append((height, node))
    if not pending:
        return EMPTY_ROOT
    _, root = pending.pop()
    while pending:
        root = _node_hash(pending.pop()[1], root)
    return root


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes that lead from one leaf to the root, from the bottom up.

    :raises IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} among {len(leaves)}")
    path: list[bytes] = []
    first, size = 0, len(leaves)
    while size > 1:
        left = 1 << (size - 1).bit_length() - 1
        if index < first + left:
            path.append(root_of(leaves[first + left : first + size]))
            size = left
        else:
            path.append(root_of(leaves[first : first + left]))
            first, size = first + left, size - left
    return path[::-1]


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
