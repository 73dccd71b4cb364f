"""Exports that a forger wrote, beside heads that are genuine: the auditors' program takes none.

The forger has the whole file and may write into it what doclife never would. What was done to the
rows of a database is in test_auditing.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from doclife.domain.canonical import canonical
from doclife.domain.signature import SigningKey
from local.state import ROOT

VERIFIER = ROOT / "include" / "proof" / "doclife_verify.py"
KEY = SigningKey(seed=b"\x07" * 32)
SALT = bytes(32)
Json = dict[str, Any]
Entries = Sequence[tuple[int, str]]
END = {"record": "end", "last_sequence": 6}


def payload(action: str, *, organization: int = 1, reason: str = "due", **details: Any) -> str:
    """Return the text of an entry."""
    return json.dumps(
        [organization, "2026-03-02T03:00:00", "user:rita", None, action, 5, None, reason, details]
    )


def batch(
    sequence: Any, before: bytes, entries: Entries, *, organization: int = 1
) -> tuple[list[Json], bytes]:
    """Return the lines of a batch that fits in itself, whatever its number, and its hash."""
    leaves = b"".join(
        number.to_bytes(8, "big") + sha256(SALT + text.encode()).digest()
        for number, text in entries
    )
    root = sha256(leaves).digest()
    header = f"doclife-audit/1|{organization}|{sequence}|{len(entries)}|2026-03-02|"
    linked = sha256(before + header.encode() + root).digest()
    line = {
        "record": "batch",
        "sequence": sequence,
        "entries": len(entries),
        "sealed_at": "2026-03-02",
        "previous": before.hex(),
        "root": root.hex(),
        "hash": linked.hex(),
        "leaves": leaves.hex(),
    }
    return [line, *(entry(number, text) for number, text in entries)], linked


def entry(number: int, text: str, *, erased_by: int | None = None) -> Json:
    return {
        "record": "entry",
        "id": number,
        "salt": SALT.hex(),
        "payload": text,
        "erased_by": erased_by,
    }


def head(sequence: int, linked: bytes, *, organization: int = 1) -> Json:
    """Return a head that the true key signs."""
    message = canonical(
        {
            "format": "doclife-audit-head/1",
            "organization": "default",
            "organization_id": organization,
            "sequence": sequence,
            "hash": linked.hex(),
            "signed_at": "2026-03-02T03:00:00Z",
            "signing_key": KEY.fingerprint,
        }
    )
    return {
        "record": "head",
        "message": message.decode(),
        "signature": KEY.sign(message).hex(),
        "public_key": KEY.public_key.hex(),
    }


def start(identity: Any = 1) -> Json:
    return {
        "record": "chain",
        "format": "doclife-audit-export/1",
        "organization": {"id": identity, "name": "default"},
    }


def chain_of(*batches: Entries) -> tuple[list[list[Json]], list[bytes]]:
    """Return the lines of each batch of a genuine chain, and the hashes of all."""
    parts, hashes, before = [], [], bytes(32)
    for sequence, entries in enumerate(batches, 1):
        lines, before = batch(sequence, before, entries)
        parts.append(lines)
        hashes.append(before)
    return parts, hashes


PARTS, HASHES = chain_of(*([(number, payload(f"test.{number}"))] for number in range(1, 7)))
HEADS = [head(sequence, HASHES[sequence - 1]) for sequence in (2, 4, 6)]


def lines_of(*parts: Sequence[Json]) -> list[Json]:
    return [line for part in parts for line in part]


def judge(
    folder: Path,
    records: Sequence[Json] | str,
    heads: Sequence[Json | str] | None = HEADS,
    key: str | None = KEY.fingerprint,
) -> tuple[int, Json, str]:
    """Let the program judge, without site packages: its exit code, answer and errors."""
    export = folder / "audit.jsonl"
    lines = [json.dumps(one) for one in records] if not isinstance(records, str) else [records]
    export.write_text("\n".join(lines) + "\n")
    options = [] if key is None else ["--key", key]
    if heads is not None:
        (folder / "heads").mkdir(exist_ok=True)
        for number, one in enumerate(heads):
            text = one if isinstance(one, str) else json.dumps(one)
            (folder / "heads" / f"{number}.json").write_text(text)
        options += ["--heads", str(folder / "heads")]
    result = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), "audit", str(export), "--json", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in result.stderr
    return result.returncode, json.loads(result.stdout or "{}"), result.stderr


def kinds(found: Json) -> list[str]:
    return [one["kind"] for one in found["findings"]]


def test_the_genuine_one_fits(tmp_path: Path) -> None:
    code, found, _ = judge(tmp_path, [start(), *lines_of(*PARTS), *HEADS, END])
    assert (code, found["heads"], found["findings"], found["notes"]) == (0, 3, [], [])


def between(sequence: float, entries: Entries = ()) -> list[Json]:
    return batch(sequence, bytes(32), entries)[0]


REWRITTEN = batch(3, HASHES[1], [(3, payload("rewritten"))])[0]
STRANGE = [(99, payload("slipped in"))]


@pytest.mark.parametrize(
    "parts",
    [
        [*PARTS[:3], between(float("nan"), STRANGE), *PARTS[3:], [END]],
        [*PARTS[:3], between(2.5, STRANGE), *PARTS[3:], [END]],
        [*PARTS[:2], REWRITTEN, between(3.5), *PARTS[3:], [END]],
        [*PARTS[:3], between(3.9), between(4.8), between(5.7), *PARTS[5:], [END]],
        [PARTS[0], *(between(1 + 0.9 * n) for n in range(1, 7)), [{**END, "last_sequence": 6.4}]],
        [*PARTS, [{**END, "last_sequence": 6.0}]],
        [*PARTS, [{**END, "last_sequence": True}]],
        [[{**PARTS[0][0], "entries": 1.0}, *PARTS[0][1:]], *PARTS[1:], [END]],
        [[PARTS[0][0], {**PARTS[0][1], "id": 1.0}], *PARTS[1:], [END]],
        [[PARTS[0][0], {**PARTS[0][1], "payload": 5}], *PARTS[1:], [END]],
        [*PARTS, [{"record": "stray", "id": "7", "payload": None}, END]],
        [*PARTS, [{"record": "stray", "id": 7, "payload": ["x"]}, END]],
        [*PARTS[:5], [{**END, "last_sequence": 5}], PARTS[5]],
    ],
)
def test_numbers_that_doclife_never_writes_are_refused(
    tmp_path: Path, parts: list[list[Json]]
) -> None:
    code, found, errors = judge(tmp_path, [start(), *lines_of(*parts)])
    assert (code, found) == (2, {})
    assert errors.startswith("It cannot be read: ")


def test_a_line_that_says_something_twice_is_refused(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(one) for one in [start(), *lines_of(*PARTS), END])
    twice = text.replace('"last_sequence": 6', '"last_sequence": 5, "last_sequence": 6')
    code, _, errors = judge(tmp_path, twice)
    assert code == 2
    assert "twice" in errors


@pytest.mark.parametrize("identity", ["1", 1.0, True, None])
def test_a_chain_by_another_name_cannot_escape_its_heads(tmp_path: Path, identity: Any) -> None:
    cut = [start(identity), *lines_of(*PARTS[:3]), {**END, "last_sequence": 3}]
    assert judge(tmp_path, cut)[0] == 2


def test_a_second_chain_in_one_export_is_refused(tmp_path: Path) -> None:
    cut = [start(), *lines_of(*PARTS[:3]), start(2), {**END, "last_sequence": 3}]
    code, _, errors = judge(tmp_path, cut)
    assert code == 2
    assert "two chains" in errors


def test_heads_of_another_chain_show_nothing_and_it_is_said(tmp_path: Path) -> None:
    genuine = [start(), *lines_of(*PARTS), END]
    code, found, _ = judge(tmp_path, genuine, [head(6, HASHES[5], organization=2)])
    assert (code, kinds(found)) == (1, ["dropped"])
    assert "none of the heads given" in found["findings"][0]["what"]
    assert judge(tmp_path, genuine, [*HEADS, head(6, HASHES[5], organization=2)])[0] == 0


def test_a_folder_without_heads_is_refused(tmp_path: Path) -> None:
    code, _, errors = judge(tmp_path, [start(), *lines_of(*PARTS), END], [])
    assert code == 2
    assert "no head lies in" in errors


@pytest.mark.parametrize("place", [1, -1])
def test_heads_in_the_export_are_compared_wherever_they_stand(tmp_path: Path, place: int) -> None:
    lines = [start(), *lines_of(*PARTS), END]
    lines.insert(place, head(3, bytes(32)))
    code, found, _ = judge(tmp_path, lines, None)
    assert (code, kinds(found)) == (1, ["edited"])
    assert found["findings"][0]["batch"] == 3


def test_heads_in_the_export_do_not_show_that_nothing_was_cut_off(tmp_path: Path) -> None:
    cut = [start(), *lines_of(*PARTS[:3]), HEADS[0], {**END, "last_sequence": 3}]
    code, found, _ = judge(tmp_path, cut, None)
    assert (code, found["heads"]) == (0, 1)
    [note] = found["notes"]
    assert note.startswith("No earlier head was given")


def test_without_a_key_it_is_said_that_nobody_vouches_for_the_heads(tmp_path: Path) -> None:
    code, found, _ = judge(tmp_path, [start(), *lines_of(*PARTS), END], key=None)
    assert code == 0
    [note] = found["notes"]
    assert note.startswith("Nobody vouches for the key of the heads")
    assert KEY.fingerprint in note


FORGED = {
    "other words": payload("document.restored", reason="any words"),
    "details": payload("document.restored", reason="erased", x=1),
    "another organization": payload("document.restored", organization=2, reason="erased"),
    "an erasure": payload("audit.erased", reason="erased"),
    "longer": payload("document.restored", reason="erased")[:-1] + ", 1]",
    "no entry": '"erased"',
}


def erased_chain(remains: str, *, erased_by: int = 18, organization: int = 1) -> list[Json]:
    """Return an export in which an entry was erased, and that is left of it."""
    commitment = sha256(SALT + remains.encode()).hexdigest()
    erasure = payload(
        "audit.erased", organization=organization, commitments={"17": commitment}, mismatched=[]
    )
    parts, _ = chain_of([(17, payload("document.purged"))], [(18, erasure)])
    parts[0][1] = entry(17, remains, erased_by=erased_by)
    return [start(), *lines_of(*parts), {**END, "last_sequence": 2}]


@pytest.mark.parametrize("remains", FORGED.values(), ids=FORGED)
def test_what_no_erasure_leaves_does_not_pass_for_an_erased_entry(
    tmp_path: Path, remains: str
) -> None:
    code, found, _ = judge(tmp_path, erased_chain(remains), None)
    assert (code, kinds(found), found["erased"]) == (1, ["edited"], [])


def test_an_erased_entry_names_the_erasure_of_its_own_organization(tmp_path: Path) -> None:
    remains = payload("document.purged", reason="erased")
    code, found, _ = judge(tmp_path, erased_chain(remains), None)
    assert (code, found["erased"]) == (0, [17])
    for lines in (erased_chain(remains, erased_by=17), erased_chain(remains, organization=2)):
        code, found, _ = judge(tmp_path, lines, None)
        assert (code, kinds(found)) == (1, ["edited"])


def test_an_erased_entry_that_is_committed_to_twice_is_looked_at_twice(tmp_path: Path) -> None:
    remains = payload("document.purged", reason="erased")
    parts, hashes = chain_of([(17, payload("document.purged"))])
    erasure = payload(
        "audit.erased", commitments={"17": sha256(SALT + remains.encode()).hexdigest()}
    )
    second, _ = batch(2, hashes[0], [(17, remains), (18, erasure)])
    parts[0][1] = entry(17, payload("forged"), erased_by=18)
    second[1] = entry(17, remains, erased_by=18)
    lines = [start(), *parts[0], *second, {**END, "last_sequence": 2}]
    code, found, _ = judge(tmp_path, lines, None)
    assert (code, kinds(found)) == (1, ["edited"])


def without(name: str) -> Json:
    message = json.loads(HEADS[0]["message"])
    del message[name]
    return {**HEADS[0], "message": json.dumps(message)}


@pytest.mark.parametrize(
    "damaged",
    [
        *map(without, ("signed_at", "hash", "sequence", "organization_id", "format")),
        {},
        {**HEADS[0], "message": 5},
        {**HEADS[0], "message": "[]"},
        {**HEADS[0], "message": HEADS[0]["message"].replace('"sequence":2', '"sequence":2.0')},
        {**HEADS[0], "message": HEADS[0]["message"].replace("default", "\ud800")},
        {**HEADS[0], "public_key": 5},
        {**HEADS[0], "signature": "xyz"},
        "",
        "[" * 100_000,
        "[]",
    ],
)
def test_a_damaged_head_is_refused_and_named(tmp_path: Path, damaged: Json | str) -> None:
    code, found, errors = judge(tmp_path, [start(), *lines_of(*PARTS), END], [damaged])
    assert (code, found) == (2, {})
    assert "0.json" in errors


def test_a_terminal_that_lacks_letters_is_no_reason_for_doubt(tmp_path: Path) -> None:
    first = {**start(), "organization": {"id": 1, "name": "Архив\x1b[2J"}}
    export = tmp_path / "audit.jsonl"
    export.write_text("".join(json.dumps(one) + "\n" for one in [first, *lines_of(*PARTS), END]))
    result = subprocess.run(
        [sys.executable, "-S", str(VERIFIER), "audit", str(export)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert r"Organization \u0410" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    "first",
    [
        {"record": "chain", "format": "doclife-audit-export/1"},
        {**start(), "organization": {"id": 1}},
        {**start(), "organization": [1]},
    ],
)
def test_an_export_that_names_no_organization_is_refused(tmp_path: Path, first: Json) -> None:
    assert judge(tmp_path, [first, *lines_of(*PARTS), END])[0] == 2
