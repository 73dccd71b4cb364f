"""What leaves the house: verified by the auditors' program, by nothing else, and read on paper."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from doclife.delivery.paper import read_font
from doclife.domain.canonical import canonical
from doclife.domain.certificate import (
    Certificate,
    CertifiedPlan,
    Decision,
    Item,
    NotDestroyed,
    Series,
    TouchedStore,
    file_chunks,
    inclusion_proof,
    leaf_of,
    statement,
)
from doclife.domain.merkle import inclusion_path, leaf_hash, root_of
from doclife.domain.signature import SigningKey
from doclife.errors import ConfigurationError
from doclife.lifecycle.certificate_pages import certificate_pdf
from tests.offline import VERIFIER

KEY = SigningKey(seed=b"\x07" * 32)
STRANGER = SigningKey(seed=b"\x08" * 32)
Json = dict[str, Any]


NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
DOCUMENTS = (11, 12, 15, 16, 23)
LEFT = [NotDestroyed(reason="changed", document_ids=[13])]


def item(number: int, document: int) -> Item:
    """Return what is kept of a document that was called ``draft-<number>``."""
    salt = sha256(bytes([number])).digest()
    return Item(
        document_id=document,
        salt=salt,
        title_hash=sha256(salt + f"title:Title of draft-{number}".encode()).digest(),
        external_id_hash=sha256(salt + f"external_id:draft-{number}".encode()).digest(),
        document_type="draft",
        sha256=sha256(b"x" * number).digest(),
        size_bytes=number,
        dated_on=date(2019, 1, number),
        trashed_at=NOW,
        rule="drafts@1",
        authority="Schedule 12, item 4",
        trashed_by=None,
        reason="due since 2026-01-01",
        contents=[{"store": "documents", "outcome": "destroyed"}],
        destroyed_at=NOW,
    )


ITEMS = [item(number, document) for number, document in enumerate(DOCUMENTS, 1)]
LEAVES = [leaf_of(one) for one in ITEMS]


def issued(name: str = "Records Office") -> Certificate:
    """Return a certificate over the items, as it is issued."""
    body = statement(
        CertifiedPlan(
            plan_id=7,
            organization_id=1,
            organization="default",
            organization_name=name,
            time_zone="UTC",
            deployment_id="6a1c7a2e-0000-4000-8000-000000000000",
            requested_by="schedule",
            approval_reason=None,
            created_at=NOW,
            approved_at=None,
            applied_at=NOW,
        ),
        series=[
            Series(
                document_type="draft",
                rule="drafts@1",
                authority="Schedule 12, item 4",
                documents=5,
                size_bytes=15,
                dated_from=date(2019, 1, 1),
                dated_to=date(2019, 1, 5),
                undated=0,
                destroyed_from=NOW,
                destroyed_to=NOW,
            )
        ],
        stores=[
            TouchedStore(
                store="documents",
                root_uri="s3://records/documents",
                backup_expires_after_days=35,
                destroyed=5,
                found_gone=0,
                kept=0,
                versioned=5,
                linked=0,
                last_destroyed_at=NOW,
            )
        ],
        decisions=[
            Decision(
                stage=1,
                decision="approve",
                decided_by="user:rita",
                decided_at=NOW,
                comment="Seen",
                is_valid=True,
                invalid_reason=None,
            )
        ],
        not_destroyed=LEFT,
        root=root_of(LEAVES),
        key=KEY,
        issued_at=NOW,
    )
    return Certificate(
        plan_id=7,
        organization="default",
        issued_at=NOW,
        body=body,
        merkle_root=root_of(LEAVES),
        signature=KEY.sign(canonical(body)),
        public_key=KEY.public_key,
        file_uri=None,
    )


def certificate_file() -> Json:
    found: Json = json.loads(b"".join(file_chunks(issued(), ITEMS, LEFT)))
    return found


def proof_of(index: int) -> Json:
    found = inclusion_proof(
        issued(), item=ITEMS[index], index=index, path=inclusion_path(LEAVES, index)
    )
    as_read: Json = json.loads(json.dumps(found))
    return as_read


def verify(
    folder: Path, kind: str, file: Json | str, *options: str
) -> tuple[int, set[str], Json, str]:
    """Let the program judge a file, without site packages and without our path."""
    path = folder / "proof.json"
    path.write_text(file if isinstance(file, str) else json.dumps(file))
    result = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), kind, str(path), "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    found = json.loads(result.stdout) if result.stdout else {}
    return (
        result.returncode,
        {one["kind"] for one in found.get("findings", ())},
        found,
        result.stderr,
    )


def test_a_certificate_is_verified_without_us(tmp_path: Path) -> None:
    code, kinds, found, _ = verify(
        tmp_path, "certificate", certificate_file(), "--key", KEY.fingerprint
    )

    assert (code, kinds) == (0, set())
    assert "5 documents, 15 bytes" in found["facts"][1]
    assert found["notes"] == []


def test_of_several_keys_one_must_have_signed_a_certificate(tmp_path: Path) -> None:
    expected = ("--key", "0" * 64, "--key", KEY.fingerprint.upper())

    assert verify(tmp_path, "certificate", certificate_file(), *expected)[:2] == (0, set())
    assert verify(tmp_path, "certificate", certificate_file(), *expected[:2])[:2] == (1, {"key"})


def test_without_an_expected_key_it_is_said_that_nobody_vouches_for_it(tmp_path: Path) -> None:
    code, _, found, _ = verify(tmp_path, "certificate", certificate_file())

    assert code == 0
    assert "Whose key it is was not checked" in found["notes"][0]


def changed_item(file: Json) -> None:
    file["items"][2]["item"]["sha256"] = "00" * 32


def changed_item_and_leaf(file: Json) -> None:
    line = file["items"][2]
    line["item"]["sha256"] = "00" * 32
    line["leaf"] = leaf_hash(canonical(line["item"])).hex()


def removed_item(file: Json) -> None:
    del file["items"][4]


def added_item(file: Json) -> None:
    line = copy.deepcopy(file["items"][4])
    line["item"]["document"] += 100
    line["leaf"] = leaf_hash(canonical(line["item"])).hex()
    file["items"].append(line)


def swapped_items(file: Json) -> None:
    file["items"][0], file["items"][1] = file["items"][1], file["items"][0]


def changed_signature(file: Json) -> None:
    file["signature"] = "00" + file["signature"][2:]


def other_key(file: Json) -> None:
    file["public_key"] = STRANGER.public_key.hex()


def signed_by_a_stranger(file: Json) -> None:
    file["certificate"]["signing_key"] = STRANGER.fingerprint
    file["public_key"] = STRANGER.public_key.hex()
    file["signature"] = STRANGER.sign(canonical(file["certificate"])).hex()


def swapped_root(file: Json) -> None:
    file["certificate"]["tree"]["root"] = "00" * 32


def another_statement(file: Json) -> None:
    file["certificate"]["documents"] = 4


def shorter_list_of_what_is_left(file: Json) -> None:
    file["not_destroyed"] = []


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (changed_item, {"changed"}),
        (changed_item_and_leaf, {"root"}),
        (removed_item, {"removed", "root"}),
        (added_item, {"added", "root"}),
        (swapped_items, {"order", "root"}),
        (changed_signature, {"signature"}),
        (other_key, {"key", "signature"}),
        (signed_by_a_stranger, {"key"}),
        (swapped_root, {"root", "signature"}),
        (another_statement, {"signature"}),
        (shorter_list_of_what_is_left, {"not_destroyed"}),
    ],
)
def test_a_tampered_certificate_is_caught_and_it_is_said_how(
    tmp_path: Path,
    tamper: Callable[[Json], None],
    named: set[str],
) -> None:
    file = certificate_file()
    tamper(file)

    code, kinds, found, _ = verify(tmp_path, "certificate", file, "--key", KEY.fingerprint)

    assert (code, kinds) == (1, named)
    if tamper is changed_item:
        assert [one["document"] for one in found["findings"]] == [DOCUMENTS[2]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", "no JSON object"),
        ("{}", "calls itself None"),
        ('{"format": "doclife-certificate-1"}', "something is missing"),
        ('{"format": 1, "format": "doclife-certificate-1"}', "twice"),
        ('{"format": 1.5}', "1.5"),
    ],
)
def test_what_is_no_certificate_is_said_to_be_none(tmp_path: Path, text: str, said: str) -> None:
    code, _, found, errors = verify(tmp_path, "certificate", text)

    assert (code, found) == (2, {})
    assert said in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("kind", "place"),
    [("certificate", ()), ("certificate", ("items", 2)), ("inclusion", ())],
)
def test_what_stands_unsigned_beside_the_certified_is_refused(
    tmp_path: Path, kind: str, place: tuple[str | int, ...]
) -> None:
    file = certificate_file() if kind == "certificate" else proof_of(1)
    beside: Any = file
    for step in place:
        beside = beside[step]
    beside["title"] = "Contract with Meyer"

    code, _, found, errors = verify(tmp_path, kind, file, "--key", KEY.fingerprint)

    assert (code, found) == (2, {})
    assert "'title'" in errors


def test_a_proof_of_one_document_is_verified_and_names_what_it_was(tmp_path: Path) -> None:
    for number, document in enumerate(DOCUMENTS, 1):
        proof = proof_of(number - 1)
        asked = ("--title", f"Title of draft-{number}", "--external-id", f"draft-{number}")

        code, kinds, found, _ = verify(
            tmp_path, "inclusion", proof, "--key", KEY.fingerprint, *asked
        )

        assert (code, kinds) == (0, set())
        assert f"Document {document}" in found["facts"][-1]


def test_a_tampered_proof_is_caught_and_it_is_said_how(tmp_path: Path) -> None:
    proof = proof_of(1)

    def judged(change: Callable[[Json], None], *options: str) -> tuple[int, set[str]]:
        tampered = copy.deepcopy(proof)
        change(tampered)
        code, kinds, _, _ = verify(
            tmp_path, "inclusion", tampered, "--key", KEY.fingerprint, *options
        )
        return code, kinds

    assert judged(lambda one: one["item"].update(sha256="00" * 32)) == (1, {"changed"})
    assert judged(lambda one: one.update(index=0)) == (1, {"changed"})
    assert judged(lambda one: one["path"].pop()) == (1, {"changed"})
    assert judged(lambda one: one["path"].append("00" * 32)) == (1, {"changed"})
    assert judged(changed_signature) == (1, {"signature"})
    assert judged(other_key) == (1, {"key", "signature"})
    assert judged(signed_by_a_stranger) == (1, {"key"})
    assert judged(swapped_root) == (1, {"changed", "signature"})
    unchanged = dict.copy
    assert judged(lambda one: unchanged(one), "--title", "Another") == (1, {"other_document"})


def test_the_program_imports_nothing_but_the_standard_library() -> None:
    result = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), "--help"], capture_output=True, check=False
    )

    assert result.returncode == 0


def paper(name: str, font: Path | None = None) -> bytes:
    return certificate_pdf(issued(name), ITEMS, font=font)


def test_the_same_certificate_is_the_same_paper() -> None:
    pdf = paper("Records Office")

    assert pdf.startswith(b"%PDF-")
    assert len(pdf) < 100_000
    assert paper("Records Office") == pdf


def test_letters_that_no_font_has_are_written_out_and_it_is_said() -> None:
    known = text_of(paper("Städtisches Archiv"))
    unknown = text_of(paper("Архив"))

    assert "Städtisches Archiv" in known
    assert "no font for some characters" not in known
    assert "<U+0410><U+0440><U+0445><U+0438><U+0432>" in unknown
    assert "no font for some characters" in unknown


def test_a_font_that_was_given_has_its_letters(tmp_path: Path) -> None:
    letters = {ord(one): f"g{ord(one)}" for one in map(chr, range(32, 127))}
    letters |= {ord(one): f"g{ord(one)}" for one in "Архив"}
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", *letters.values()])
    font.setupCharacterMap(letters)
    blank = TTGlyphPen(None).glyph()
    font.setupGlyf(dict.fromkeys((".notdef", *letters.values()), blank))
    font.setupHorizontalMetrics(dict.fromkeys((".notdef", *letters.values()), (500, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Tiny", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "font.ttf")

    pdf = paper("Архив", read_font({"DOCLIFE_PDF_FONT": str(tmp_path / "font.ttf")}))

    assert b"Tiny" in pdf
    assert "U+0410" not in text_of(pdf)


def test_a_font_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_text("no font")

    with pytest.raises(ConfigurationError, match="is no font"):
        paper("Архив", read_font({"DOCLIFE_PDF_FONT": str(tmp_path / "font.ttf")}))
    with pytest.raises(ConfigurationError, match="is no file"):
        read_font({"DOCLIFE_PDF_FONT": str(tmp_path / "another.ttf")})


def text_of(pdf: bytes) -> str:
    """Return what a PDF of ours shows with the fonts of every reader, line ends left out."""
    shown = []
    for stream in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue
        shown += re.findall(rb"\((.*?)(?<!\\)\) Tj", content)
    return b" ".join(shown).decode("latin-1")
