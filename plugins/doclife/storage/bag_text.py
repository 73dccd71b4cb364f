"""The text files of a BagIt 1.0 bag (RFC 8493), as bytes. No input or output here."""

import hashlib
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

DECLARATION_NAME = "bagit.txt"
INFO_NAME = "bag-info.txt"
MANIFEST_NAME = "manifest-sha256.txt"
PREMIS_NAME = "premis.xml"
TAG_MANIFEST_NAME = "tagmanifest-sha256.txt"
TAG_NAMES = (DECLARATION_NAME, INFO_NAME, MANIFEST_NAME, PREMIS_NAME, TAG_MANIFEST_NAME)
"""In the order they are written: who sees the last one sees a whole bag."""
REQUIRED_NAMES = (DECLARATION_NAME, INFO_NAME, MANIFEST_NAME, TAG_MANIFEST_NAME)
"""What every bag of ours has; those of the first release have no PREMIS."""

_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_MANIFEST_LINE = re.compile(r"([0-9a-f]{64}) +data/([1-9][0-9]{0,17})")
_LINE_WIDTH = 79
"""RFC 8493 section 2.2.2 recommends not to exceed it."""


@dataclass(frozen=True, kw_only=True)
class BagInfo:
    """What a person should find beside the bytes in thirty years.

    :param organization: becomes Source-Organization.
    :param external_identifier: what the catalogue calls this bag.
    :param bagging_date: the day it was written, in the organization's zone.
    :param extra: further lines, e.g. Rule, Authority, Retain-Until, Plan. Values may hold anything:
        what could break a line becomes a space; empty ones are left out.
    """

    organization: str
    external_identifier: str
    bagging_date: date
    extra: Mapping[str, str] = field(default_factory=dict)


def tag_files(
    info: BagInfo, *, digests: Mapping[int, bytes], total_bytes: int, premis: bytes
) -> dict[str, bytes]:
    """Return the content of every tag file, in the order of TAG_NAMES.

    :param digests: SHA-256 of each payload by document id.
    :param premis: what was done to these documents, as PREMIS XML.
    """
    files = {
        DECLARATION_NAME: _DECLARATION,
        INFO_NAME: _info(info, count=len(digests), total_bytes=total_bytes),
        MANIFEST_NAME: "".join(
            f"{digest.hex()}  data/{document_id}\n"
            for document_id, digest in sorted(digests.items())
        ).encode(),
        PREMIS_NAME: premis,
    }
    files[TAG_MANIFEST_NAME] = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()
    ).encode()
    return files


def read_manifest(content: bytes) -> dict[int, bytes]:
    """Return the SHA-256 of each payload by document id.

    :raises ValueError: a line is not one that we write.
    """
    digests = {}
    for line in content.decode("ascii").splitlines():
        parts = _MANIFEST_LINE.fullmatch(line)
        if parts is None:
            raise ValueError(f"{line[:120]!r} is no line of our manifests")
        digests[int(parts[2])] = bytes.fromhex(parts[1])
    return digests


def _info(info: BagInfo, *, count: int, total_bytes: int) -> bytes:
    lines = {
        "Source-Organization": info.organization,
        "External-Identifier": info.external_identifier,
        "Bagging-Date": info.bagging_date.isoformat(),
        "Payload-Oxum": f"{total_bytes}.{count}",
        **info.extra,
    }
    return "".join(_line(label, value) for label, value in lines.items()).encode()


def _line(label: str, value: str) -> str:
    assert _LABEL.fullmatch(label), f"{label!r} is no label of bag-info.txt"
    # Line ends of every kind, U+2028 included, are not printable.
    printable = "".join(character if character.isprintable() else " " for character in value)
    words = " ".join(printable.split())
    if not words:
        return ""
    return (
        textwrap.fill(
            f"{label}: {words}",
            width=_LINE_WIDTH,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        + "\n"
    )
