"""Verifies what doclife proves, without doclife, its database or a network.

    python doclife_verify.py audit EXPORT [--heads FOLDER] [--key FINGERPRINT]... [--json]
    python doclife_verify.py certificate FILE [--key FINGERPRINT]... [--json]
    python doclife_verify.py inclusion FILE [--title TEXT] [--external-id TEXT] [--key ...] [--json]

This one file needs Python 3.9 or newer and nothing else; ``python -I -S`` will do. Exit codes: 0
all of it fits, 1 something does not and is named, 2 it could not be read.

What is hashed and signed is described in docs/trust.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

FITS, DOES_NOT_FIT, UNREADABLE = 0, 1, 2
CHAIN_START = bytes(32)
LEAF_BYTES, HASH_BYTES = 40, 32
PAYLOAD_FIELDS = 9
"""Organization, moment, actor, rule, action, document, plan, reason and details of an entry."""

COMPARED_AT_MOST = 300
"""Entries that do not fit and are compared with each other, to tell moved ones from edited ones."""

WIDEST_GAP = 1_000_000
"""Batches that may be missing in one place, so that a damaged number does not fill the memory."""


LEAST_ID = -(2**63)
"""Of an entry. Who slips one in may number it as they like, and it is to be named, not refused."""


class UnreadableError(Exception):
    """What was given is no export, head or certificate."""


# --- Reading -------------------------------------------------------------------------------------


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise UnreadableError("it says something twice, and a reader cannot tell which counts")
    return dict(pairs)


def _refuse_number(number: str) -> None:
    raise UnreadableError(f"it holds the number {number}, which doclife never writes")


EXACT = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=_refuse_number, parse_constant=_refuse_number
)
"""Reads what means one thing only: no key twice, only whole numbers."""


def _json(text: str, where: str) -> dict[str, Any]:
    try:
        found = EXACT.decode(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{where} is no JSON: {error}") from None
    except UnreadableError as error:
        raise UnreadableError(f"{where}: {error}") from None
    if not isinstance(found, dict):
        raise UnreadableError(f"{where} holds no JSON object")
    return found


def _whole(record: dict[str, Any], name: str, *, least: int = 0) -> int:
    """Return a number to be counted with: true, 2.5, NaN and "1" compare or print like one."""
    value = record[name]
    if type(value) is not int or value < least:
        raise UnreadableError(f"{name} is {str(value)[:80]!r}, and no number that doclife writes")
    return value


def _text(record: dict[str, Any], name: str) -> str:
    value = record[name]
    if not isinstance(value, str):
        raise UnreadableError(f"{name} is {str(value)[:80]!r}, and no text")
    return value


# --- Ed25519 (RFC 8032), verification only -------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
"""x, y, z, t in extended coordinates: x/z, y/z, and x*y = z*t."""


def _add(a: Point, b: Point) -> Point:
    """Return the sum of two points."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % P, k * m % P, j * k % P, i * m % P)


def _multiply(scalar: int, point: Point) -> Point:
    """Return a point added to itself so many times."""
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point, scalar = _add(point, point), scalar >> 1
    return total


def _decoded(data: bytes) -> Point | None:
    """Return the point that 32 bytes stand for, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = _decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of the private key signed exactly this message."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, commitment = _decoded(public_key), _decoded(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if BASE is None or key is None or commitment is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    left, right = _multiply(scalar, BASE), _add(commitment, _multiply(challenge, key))
    return not (
        (left[0] * right[2] - right[0] * left[2]) % P
        or (left[1] * right[2] - right[1] * left[2]) % P
    )


def fingerprint_of(public_key: bytes) -> str:
    """Return that by which people name a key."""
    return hashlib.sha256(public_key).hexdigest()


def is_expected(public_key: bytes, keys: Iterable[str]) -> bool:
    """Whether a key is among those that were given on another way; none given: any.

    :param keys: fingerprints, or whole public keys in hexadecimal; case and spaces do not count.
    """
    given = {"".join(key.split()).lower() for key in keys}
    return not given or not given.isdisjoint((fingerprint_of(public_key), public_key.hex()))


# --- The audit chain -----------------------------------------------------------------------------


class AuditCheck:
    """Reads the records of one chain in their order, and knows at the end what does not fit.

    A record is a line of an export: ``chain``, then each ``batch`` followed by its ``entry``s, then
    ``stray``s, ``head``s and ``end``. Memory grows with what was erased or does not fit, and by 32
    bytes for each batch.
    """

    def __init__(self, heads: Iterable[dict[str, Any]] = (), keys: Iterable[str] = ()) -> None:
        self.findings: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.batches = self.entries = self.heads = 0
        self.erased: list[int] = []
        self.organization: dict[str, Any] | None = None
        self._keys = list(keys)
        self._heads: list[dict[str, Any]] = []
        self._hashes = bytearray()
        self._last, self._last_hash = 0, CHAIN_START
        self._gaps: set[int] = set()
        self._gap_ranges: list[tuple[int, int]] = []
        self._leaves: list[tuple[int, bytes]] = []
        self._place = 0
        self._missing_lines: dict[int, bytes] = {}
        self._holes: list[tuple[int, int, bytes, bytes]] = []
        self._moved: list[tuple[int, int | None, str]] = []
        self._remains: list[tuple[int, int, int, str, str]] = []
        self._erasures: dict[int, tuple[int, str | None]] = {}
        self._edited_before: dict[int, int] = {}
        self._has_end = False
        for head in heads:
            self._take_head(head, is_given=True)

    def read(self, record: dict[str, Any]) -> None:
        """Take the next record."""
        kind = record.get("record")
        if kind not in ("chain", "batch", "entry", "stray", "head", "end"):
            raise UnreadableError(f"a record of an unknown kind: {kind!r}")
        if self._has_end:
            raise UnreadableError("the export goes on after its end")
        getattr(self, f"_read_{kind}")(record)

    def finish(self) -> dict[str, Any]:
        """Return the whole answer, once every record was read."""
        self._end_batch()
        if self.organization is None:
            raise UnreadableError("the export names no chain: its first line is missing")
        if not self._has_end:
            self._find("dropped", "the file ends early: its last line is missing")
        for first, last in self._gap_ranges:
            missing = [n for n in range(first, last + 1) if n in self._gaps]
            if missing:
                self._find("removed", f"{_batches(missing)} missing", batch=missing[0])
        self._settle_erased()
        self._settle_misfits()
        self._settle_heads()
        return {
            "fits": not self.findings,
            "organization": self.organization,
            "batches": self.batches,
            "entries": self.entries,
            "last_sequence": self._last,
            "last_hash": self._last_hash.hex(),
            "heads": self.heads,
            "erased": self.erased,
            "findings": self.findings,
            "notes": self.notes,
        }

    def _find(
        self, kind: str, text: str, *, entry: int | None = None, batch: int | None = None
    ) -> None:
        self.findings.append({"kind": kind, "entry": entry, "batch": batch, "what": text})

    def _read_chain(self, record: dict[str, Any]) -> None:
        if record.get("format") != "doclife-audit-export/1":
            raise UnreadableError(f"format {record.get('format')!r} is not known here")
        if self.organization is not None:
            raise UnreadableError("the export names two chains")
        _whole(record["organization"], "id")
        _text(record["organization"], "name")
        self.organization = record["organization"]

    def _read_batch(self, record: dict[str, Any]) -> None:
        self._end_batch()
        if self.organization is None:
            raise UnreadableError("the export names no chain: its first line is missing")
        sequence, entries = _whole(record, "sequence"), _whole(record, "entries")
        previous, root = bytes.fromhex(record["previous"]), bytes.fromhex(record["root"])
        claimed, leaves = bytes.fromhex(record["hash"]), bytes.fromhex(record["leaves"])
        self.batches += 1
        if sequence > self._last + 1:
            self._gap_ranges.append((self._last + 1, sequence - 1))
            if sequence - self._last > WIDEST_GAP:
                raise UnreadableError(f"batch {sequence} comes after batch {self._last}")
            self._gaps.update(range(self._last + 1, sequence))
            self._hashes += bytes(HASH_BYTES * (sequence - 1 - self._last))
        elif sequence <= self._last:
            self._misplaced(sequence, claimed)
        header = "|".join(
            str(part)
            for part in (
                "doclife-audit/1", self.organization["id"], sequence, entries,
                _text(record, "sealed_at"), "",
            )
        )  # fmt: skip
        linked = hashlib.sha256(previous + header.encode() + root).digest()
        if hashlib.sha256(leaves).digest() != root or len(leaves) != LEAF_BYTES * entries:
            self._find(
                "edited", f"batch {sequence}: its commitments are not those of its root",
                batch=sequence,
            )  # fmt: skip
        if linked != claimed:
            self._find(
                "edited", f"batch {sequence}: its hash is not that of what it holds",
                batch=sequence,
            )  # fmt: skip
        if sequence == self._last + 1 and previous != self._last_hash:
            self._find(
                "edited",
                f"batch {sequence} does not follow from what stands before it: batch "
                f"{sequence - 1} or an earlier one was rewritten",
                batch=sequence,
            )
        if sequence > self._last:
            self._last, self._last_hash = sequence, claimed
            self._hashes += _as_hash(claimed)
        self._leaves = [
            (int.from_bytes(leaves[at : at + 8], "big", signed=True), leaves[at + 8 : at + 40])
            for at in range(0, len(leaves), LEAF_BYTES)
        ]
        self._place, self._batch = 0, sequence
        self._missing_lines = {}

    def _misplaced(self, sequence: int, claimed: bytes) -> None:
        if sequence in self._gaps:
            self._gaps.discard(sequence)
            self._hashes[HASH_BYTES * (sequence - 1) : HASH_BYTES * sequence] = _as_hash(claimed)
            self._find(
                "reordered", f"batch {sequence} stands after batch {self._last}", batch=sequence
            )
        else:
            self._find("inserted", f"batch {sequence} is there twice", batch=sequence)

    def _end_batch(self) -> None:
        for number, _ in self._leaves[self._place :]:
            self._missing_lines[number] = b""
        for number in self._missing_lines:
            self._find(
                "removed", f"entry {number} of batch {self._batch} is missing", entry=number,
                batch=self._batch,
            )  # fmt: skip
        self._leaves, self._place, self._missing_lines = [], 0, {}

    def _read_entry(self, record: dict[str, Any]) -> None:
        number = _whole(record, "id", least=LEAST_ID)
        commitment = self._leaf_of(number)
        if commitment is None:
            self._read_stray(record)
            return
        salt = bytes.fromhex(record["salt"])
        if record["payload"] is None:
            self._holes.append((number, self._batch, salt, commitment))
            return
        self.entries += 1
        payload = _text(record, "payload")
        found = hashlib.sha256(salt + payload.encode()).digest()
        if record.get("erased_by") is not None:
            erased_by = _whole(record, "erased_by", least=LEAST_ID)
            self._remains.append((number, self._batch, erased_by, found.hex(), payload))
        elif found != commitment:
            self._holes.append((number, self._batch, salt, commitment))
            self._moved.append((number, self._batch, payload))
        else:
            self._note_erasure(number, payload)

    def _leaf_of(self, number: int) -> bytes | None:
        """Return the commitment to the entry that comes now, wherever in its batch it stands."""
        for place in range(self._place, len(self._leaves)):
            if self._leaves[place][0] == number:
                for skipped, commitment in self._leaves[self._place : place]:
                    self._missing_lines[skipped] = commitment
                self._place = place + 1
                return self._leaves[place][1]
        if number not in self._missing_lines:
            return None
        commitment = self._missing_lines.pop(number)
        self._find(
            "reordered", f"entry {number} stands behind those that came after it", entry=number,
            batch=self._batch,
        )  # fmt: skip
        return commitment

    def _note_erasure(self, number: int, payload: str) -> None:
        """Remember what an entry commits to that says what was erased."""
        if '"audit.erased"' not in payload:
            return
        fields = json.loads(payload)
        if fields[4] != "audit.erased" or not self._is_ours(fields):
            return
        for erased, remains in fields[8].get("commitments", {}).items():
            earlier = self._erasures.get(int(erased), (0, None))
            self._erasures[int(erased)] = max(earlier, (number, remains), key=lambda one: one[0])
        for edited in fields[8].get("mismatched", ()):
            self._edited_before[int(edited)] = number

    def _is_ours(self, fields: list[Any]) -> bool:
        """Whether the fields of an entry are those of one of this organization."""
        return self.organization is not None and fields[0] == self.organization["id"]

    def _read_stray(self, record: dict[str, Any]) -> None:
        payload = "" if record["payload"] is None else _text(record, "payload")
        self._moved.append((_whole(record, "id", least=LEAST_ID), None, payload))

    def _read_head(self, record: dict[str, Any]) -> None:
        self._take_head(record, is_given=False)

    def _read_end(self, record: dict[str, Any]) -> None:
        self._end_batch()
        self._has_end = True
        last = _whole(record, "last_sequence")
        if last != self._last:
            self._find(
                "dropped",
                f"the file was written up to batch {last} and holds those up to {self._last}",
            )

    def _settle_erased(self) -> None:
        for number, batch, erased_by, remains, payload in sorted(self._remains):
            erasure, committed = self._erasures.get(number, (0, None))
            if committed is None:
                self._find(
                    "edited", f"entry {number} says it was erased, and no entry says by whom",
                    entry=number, batch=batch,
                )  # fmt: skip
            elif remains != committed:
                self._find(
                    "edited", f"entry {number}: what was left of it by entry {erasure} is changed",
                    entry=number, batch=batch,
                )  # fmt: skip
            elif erased_by != erasure or not self._is_what_erasing_leaves(payload):
                self._find(
                    "edited", f"entry {number}: what stands there is not what erasing by entry "
                    f"{erasure} leaves: {_told(payload)}", entry=number, batch=batch,
                )  # fmt: skip
            else:
                self.erased.append(number)
        for number, erasure in sorted(self._edited_before.items()):
            self._find(
                "edited", f"entry {number} was edited before entry {erasure} erased it",
                entry=number,
            )  # fmt: skip

    def _is_what_erasing_leaves(self, payload: str) -> bool:
        """Whether a text has the form in which an erasure leaves an entry, and says no more."""
        try:
            fields = json.loads(payload)
            (*_, action, _document, _plan, reason, details) = fields
            return (
                len(fields) == PAYLOAD_FIELDS
                and self._is_ours(fields)
                and (reason, details) == ("erased", {})
                and action != "audit.erased"
            )
        except (ValueError, TypeError, LookupError, RecursionError):
            return False

    def _settle_misfits(self) -> None:
        """Tell entries that were moved from those that were edited, removed or inserted."""
        moved, holes = self._moved[:COMPARED_AT_MOST], self._holes[:COMPARED_AT_MOST]
        home = {
            number: hole
            for number, _, payload in moved
            for hole, _, salt, commitment in holes
            if hole != number and hashlib.sha256(salt + payload.encode()).digest() == commitment
        }
        filled = set(home.values())
        for number, batch, payload in self._moved:
            where = "" if batch is None else f" of batch {batch}"
            if number in home:
                self._find(
                    "reordered", f"entry {number}{where} holds what entry {home[number]} said",
                    entry=number, batch=batch,
                )  # fmt: skip
            elif batch is None:
                self._find(
                    "inserted", f"entry {number} is in no batch: {_told(payload)}", entry=number
                )
            else:
                self._find(
                    "edited", f"entry {number}{where} is not what was committed to: "
                    f"{_told(payload)}", entry=number, batch=batch,
                )  # fmt: skip
        present = {number for number, _, _ in self._moved}
        for number, batch, _, _ in self._holes:
            if number not in present and number not in filled:
                self._find(
                    "removed", f"entry {number} of batch {batch} is missing", entry=number,
                    batch=batch,
                )  # fmt: skip

    def _take_head(self, record: dict[str, Any], *, is_given: bool) -> None:
        """Take a head: one that was given lay outside of what is judged, and can show its end."""
        head = _head(record)
        if any(one["message"] == head["message"] for one in self._heads):
            return
        if not is_expected(head["key"], self._keys):
            self._find(
                "forged", f"the head of {head['signed_at']} is signed with another key: "
                f"{fingerprint_of(head['key'])}",
            )  # fmt: skip
        elif not is_signed(head["key"], head["signature"], head["message"]):
            self._find(
                "forged", f"the head of {head['signed_at']} does not have the signature of its key"
            )
        else:
            self._heads.append({**head, "is_given": is_given})

    def _settle_heads(self) -> None:
        assert self.organization is not None
        good = 0
        ours = [head for head in self._heads if head["organization_id"] == self.organization["id"]]
        self.heads = len(ours)
        for head in sorted(ours, key=lambda one: one["sequence"]):
            sequence = head["sequence"]
            found = bytes(self._hashes[HASH_BYTES * (sequence - 1) : HASH_BYTES * sequence])
            if sequence > self._last:
                self._find(
                    "dropped", f"the tail is missing: the head of {head['signed_at']} signs batch "
                    f"{sequence}, and the chain ends with batch {self._last}", batch=sequence,
                )  # fmt: skip
            elif found.hex() == head["hash"]:
                good = sequence
            elif sequence not in self._gaps:
                self._find(
                    "edited", f"the chain was rewritten after batch {good} and up to batch "
                    f"{sequence}, which the head of {head['signed_at']} signs otherwise",
                    batch=sequence,
                )  # fmt: skip
        if not any(head["is_given"] for head in ours):
            if any(head["is_given"] for head in self._heads):
                self._find("dropped", "none of the heads given is of this chain")
            self.notes.append("No earlier head was given: that nothing was dropped is not proven.")
        if ours and not self._keys:
            signers = sorted({fingerprint_of(head["key"]) for head in ours})
            self.notes.append(
                f"Nobody vouches for the key of the heads, {' and '.join(signers)}: compare it "
                "with the fingerprint that you were given, or add --key."
            )


def _as_hash(claimed: bytes) -> bytes:
    """Return what a batch says is its hash, in the length of one."""
    return claimed[:HASH_BYTES].ljust(HASH_BYTES, b"\0")


def _head(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a head says, and by whom it claims to be signed."""
    try:
        text = _text(record, "message")
        message = _json(text, "its message")
        if message["format"] != "doclife-audit-head/1":
            raise UnreadableError(f"format {message['format']!r} is not known here")
        return {
            "message": text.encode(),
            "key": bytes.fromhex(record["public_key"]),
            "signature": bytes.fromhex(record["signature"]),
            "organization_id": _whole(message, "organization_id"),
            "sequence": _whole(message, "sequence", least=1),
            "hash": _text(message, "hash"),
            "signed_at": _text(message, "signed_at"),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"no head of an audit chain: {error!r}") from None
    except UnreadableError as error:
        raise UnreadableError(f"no head of an audit chain: {error}") from None


def _batches(numbers: list[int]) -> str:
    first, last = numbers[0], numbers[-1]
    return f"batch {first} is" if first == last else f"batches {first} to {last} are"


def _told(payload: str) -> str:
    """Return in a few words what an entry says now."""
    try:
        fields = json.loads(payload)
        told = f"{fields[4]} by {fields[2]} at {fields[1]}"
        return told if fields[5] is None else f"{told}, document {fields[5]}"
    except (ValueError, LookupError, TypeError):
        return repr(payload[:60])


def read_heads(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the heads that lie in a folder and below it, or the one that a file holds."""
    files = sorted(folder.rglob("*.json")) if folder.is_dir() else [folder]
    if not files:
        raise UnreadableError(f"no head lies in {folder}")
    for file in files:
        head = _json(file.read_text(encoding="utf-8"), file.name)
        try:
            _head(head)
        except UnreadableError as error:
            raise UnreadableError(f"{file.name} is {error}") from None
        yield head


def verify_audit(
    records: Iterable[dict[str, Any]],
    heads: Iterable[dict[str, Any]] = (),
    keys: Iterable[str] = (),
) -> dict[str, Any]:
    """Return what does not fit in an export of one chain; ``fits`` is true when nothing is."""
    check = AuditCheck(heads, keys)
    for record in records:
        try:
            check.read(record)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UnreadableError(f"a damaged record {str(record)[:80]!r}: {error!r}") from None
    return check.finish()


def _audit(arguments: argparse.Namespace) -> dict[str, Any]:
    heads = [] if arguments.heads is None else list(read_heads(arguments.heads))
    with arguments.file.open(encoding="utf-8") as lines:
        records = (
            _json(line, f"line {number}") for number, line in enumerate(lines, 1) if line.strip()
        )
        return verify_audit(records, heads, arguments.keys)


def _say_audit(found: dict[str, Any]) -> None:
    sentences = [f"{one['kind']}: {one['what']}" for one in found["findings"]] + found["notes"]
    if found["erased"]:
        sentences.append(
            f"{len(found['erased'])} entries are erased, by record: {_ranges(found['erased'])}"
        )
    sentences.append(
        f"Organization {found['organization']['name']}: {found['entries']} entries in "
        f"{found['batches']} batches, {found['heads']} signed heads."
    )
    _say(sentences, found)


def _ranges(numbers: list[int]) -> str:
    """Return numbers in their order, those that follow each other as one range."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


# --- Certificates of destruction -----------------------------------------------------------------

SIGNED = ("format", "certificate", "signature", "public_key")
"""What the files of certificates and proofs have besides the documents."""


def canonical(value: Any) -> bytes:
    """Return the one form in which values are hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over hashes of leaves (RFC 6962)."""
    pending: list[tuple[int, bytes]] = []
    for leaf in leaves:
        height, node = 0, leaf
        while pending and pending[-1][0] == height:
            node = _node(pending.pop()[1], node)
            height += 1
        pending.append((height, node))
    if not pending:
        return hashlib.sha256(b"").digest()
    _, root = pending.pop()
    while pending:
        root = _node(pending.pop()[1], root)
    return root


def is_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Whether a path leads from a leaf to the root of a tree of that size (RFC 9162, 2.1.3.2)."""
    position, last, node = index, size - 1, leaf
    if not 0 <= position <= last:
        return False
    for sibling in path:
        if last == 0:
            return False
        if position % 2 or position == last:
            node = _node(sibling, node)
            while position and not position % 2:
                position, last = position // 2, last // 2
        else:
            node = _node(node, sibling)
        position, last = position // 2, last // 2
    return last == 0 and node == root


def verify_certificate(file: dict[str, Any], keys: Sequence[str] = ()) -> dict[str, Any]:
    """Return what does not fit in a certificate and all that it lists."""
    _require_format(file, "doclife-certificate-1")
    _refuse_others(file, {*SIGNED, "items", "not_destroyed"})
    statement, lines = file["certificate"], file["items"]
    for line in lines:
        _refuse_others(line, {"item", "leaf"})
    findings = _signature_findings(file, keys)
    findings += [
        _found(
            "changed",
            "what is listed of this document is not what was certified",
            document=line["item"]["document"],
        )
        for line in lines
        if _leaf(line["item"]).hex() != line["leaf"]
    ]
    documents = [line["item"]["document"] for line in lines]
    size = statement["tree"]["size"]
    if len(lines) != size:
        findings.append(
            _found(
                "removed" if len(lines) < size else "added",
                f"{size} documents were certified, and {len(lines)} are listed",
            )
        )
    if documents != sorted(set(documents)):
        findings.append(
            _found("order", "documents are listed twice, or in another order than certified")
        )
    if root_of(bytes.fromhex(line["leaf"]) for line in lines).hex() != statement["tree"]["root"]:
        findings.append(
            _found(
                "root", "the documents that are listed do not lead to the root that is certified"
            )
        )
    left = hashlib.sha256(canonical(file["not_destroyed"])).hexdigest()
    if left != statement["not_destroyed"]["list_sha256"]:
        findings.append(_found("not_destroyed", "the list of what was not destroyed was changed"))
    return _answer(findings, statement, keys)


def verify_inclusion(
    file: dict[str, Any],
    keys: Sequence[str] = (),
    *,
    title: str | None = None,
    external_id: str | None = None,
) -> dict[str, Any]:
    """Return what does not fit in the proof of one document.

    :param title: what it is said to have been called; a proof holds only the hash.
    :param external_id: what the application is said to have called it.
    """
    _require_format(file, "doclife-inclusion-1")
    _refuse_others(file, {*SIGNED, "item", "index", "path"})
    statement, item = file["certificate"], file["item"]
    findings = _signature_findings(file, keys)
    path = [bytes.fromhex(one) for one in file["path"]]
    tree = statement["tree"]
    if not is_included(_leaf(item), file["index"], tree["size"], path, bytes.fromhex(tree["root"])):
        findings.append(
            _found(
                "changed",
                "what is said of this document is not among what was certified",
                document=item["document"],
            )
        )
    salt = bytes.fromhex(item["salt"])
    for kind, text in (("title", title), ("external_id", external_id)):
        if text is not None:
            hashed = hashlib.sha256(salt + f"{kind}:{text}".encode()).hexdigest()
            if item[f"{kind}_hash"] != hashed:
                findings.append(
                    _found(
                        "other_document", f"its {kind} was not {text!r}", document=item["document"]
                    )
                )
    answer = _answer(findings, statement, keys)
    answer["facts"].append(
        f"Document {item['document']}, SHA-256 {item['sha256']}, {item['size_bytes']} bytes: "
        f"destroyed {item['destroyed_at']}, trashed {item['trashed_at']} by "
        f"{item['rule'] or item['trashed_by']}, authority: {item['authority'] or 'none named'}"
    )
    return answer


def _signature_findings(file: dict[str, Any], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return what is wrong with a signature, and with whose it is."""
    statement, public_key = file["certificate"], bytes.fromhex(file["public_key"])
    own = fingerprint_of(public_key)
    findings = []
    if statement.get("signing_key") != own:
        findings.append(
            _found(
                "key", f"the certificate names the key {statement.get('signing_key')}, not {own}"
            )
        )
    if not is_expected(public_key, keys):
        findings.append(_found("key", f"it carries the key {own}, and not {' or '.join(keys)}"))
    if not is_signed(public_key, bytes.fromhex(file["signature"]), canonical(statement)):
        findings.append(
            _found(
                "signature",
                "it is not that of this key over this certificate: the signature, or what is "
                "certified, was changed",
            )
        )
    return findings


def _answer(
    findings: list[dict[str, Any]], statement: dict[str, Any], keys: Sequence[str]
) -> dict[str, Any]:
    """Return the whole answer, with what a certificate comes to for people."""
    stores = "; ".join(
        f"{one['store']}: {one['verified_gone']} verified gone, "
        f"{one['kept_because_others_need_them']} kept for other documents"
        for one in statement["stores"]
    )
    unknown = (
        "Whose key it is was not checked: compare it with the fingerprint that you were given, "
        "or add --key"
    )
    return {
        "fits": not findings,
        "findings": findings,
        "facts": [
            f"Certificate {statement['number']} of {statement['organization']['name']} "
            f"({statement['organization']['short_name']}), issued {statement['issued_at']}",
            f"{statement['documents']} documents, {statement['size_bytes']} bytes, destroyed from "
            f"{statement['destroyed_from']} to {statement['destroyed_to']}",
            f"Stores: {stores or 'none'}",
            f"{statement['not_destroyed']['documents']} documents of the plan were not destroyed",
            f"Signed with the key {statement['signing_key']}",
        ],
        "notes": [] if keys else [unknown],
    }


def _require_format(file: dict[str, Any], expected: str) -> None:
    if file.get("format") != expected:
        raise UnreadableError(f"the file is no {expected}: it calls itself {file.get('format')!r}")


def _refuse_others(found: dict[str, Any], expected: set[str]) -> None:
    """Refuse what stands beside the signed, so that nobody reads it as certified."""
    others = sorted(found.keys() - expected)
    if others:
        raise UnreadableError(f"it also holds {others!r}, which is not signed")


def _found(kind: str, text: str, *, document: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "document": document, "what": text}


def _leaf(item: dict[str, Any]) -> bytes:
    return hashlib.sha256(b"\x00" + canonical(item)).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _certificate(arguments: argparse.Namespace) -> dict[str, Any]:
    file = _json(arguments.file.read_text(encoding="utf-8"), arguments.file.name)
    try:
        return verify_certificate(file, arguments.keys)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnreadableError(f"something is missing, or of another kind: {error!r}") from None


def _inclusion(arguments: argparse.Namespace) -> dict[str, Any]:
    file = _json(arguments.file.read_text(encoding="utf-8"), arguments.file.name)
    try:
        return verify_inclusion(
            file, arguments.keys, title=arguments.title, external_id=arguments.external_id
        )
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnreadableError(f"something is missing, or of another kind: {error!r}") from None


def _say_certificate(found: dict[str, Any]) -> None:
    sentences = [
        f"{one['kind']}: "
        + ("" if one["document"] is None else f"document {one['document']}: ")
        + one["what"]
        for one in found["findings"]
    ]
    _say(sentences + found["facts"] + found["notes"], found)


def _say(sentences: list[str], found: dict[str, Any]) -> None:
    """Print an answer; nothing that a file holds can change the terminal."""
    for sentence in [*sentences, "All of it fits." if found["fits"] else "IT DOES NOT FIT."]:
        print(_printable(sentence, sys.stdout.encoding or "ascii"))


def _printable(text: str, encoding: str) -> str:
    """Return a text that neither changes a terminal nor has letters that it does not know."""
    shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
    return shown.encode(encoding, "backslashreplace").decode(encoding)


# --- The command line ----------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Verify what the arguments name, and return the exit code."""
    parser = argparse.ArgumentParser(prog="doclife_verify.py", description=__doc__.split("\n")[0])
    kinds = parser.add_subparsers(dest="kind", required=True)

    audit = kinds.add_parser("audit", help="an export of the audit chain")
    audit.add_argument("file", type=Path, help="what doclife audit export wrote")
    audit.add_argument(
        "--heads", type=Path, help="a folder of heads that left earlier, or one file"
    )
    audit.set_defaults(run=_audit, say=_say_audit)

    certificate = kinds.add_parser("certificate", help="a certificate of destruction")
    certificate.add_argument("file", type=Path, help="what doclife certificates export wrote")
    certificate.set_defaults(run=_certificate, say=_say_certificate)

    inclusion = kinds.add_parser("inclusion", help="the proof of one destroyed document")
    inclusion.add_argument("file", type=Path, help="what doclife certificates prove wrote")
    inclusion.add_argument("--title", help="what it is said to have been called")
    inclusion.add_argument("--external-id", help="what the application is said to have called it")
    inclusion.set_defaults(run=_inclusion, say=_say_certificate)

    for each in (audit, certificate, inclusion):
        each.add_argument(
            "--key",
            dest="keys",
            action="append",
            default=[],
            metavar="FINGERPRINT",
            help="what the signing key must be, from elsewhere; again for every other that may be",
        )
        each.add_argument("--json", action="store_true", help="the answer as JSON")
    arguments = parser.parse_args(argv)
    try:
        found = arguments.run(arguments)
    except (UnreadableError, OSError, UnicodeDecodeError) as error:
        print(_printable(f"It cannot be read: {error}", "utf-8"), file=sys.stderr)
        return UNREADABLE
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        arguments.say(found)
    return FITS if found["fits"] else DOES_NOT_FIT


if __name__ == "__main__":
    sys.exit(main())
