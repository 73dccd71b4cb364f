"""Reads a CSV manifest: one row per document, with what is known about it."""

import csv
import difflib
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from doclife.domain import tombstone
from doclife.domain.fields import MetadataType
from doclife.errors import ConfigurationError
from doclife.lifecycle.import_progress import Problem, ProblemKind
from doclife.lifecycle.import_sources import Given
from doclife.storage import uris

PLACE_COLUMNS = ("uri", "path")
TEXT_COLUMNS = ("external_id", "title", "document_type", "owner", "media_type")
DATE_COLUMNS = ("created_on", "modified_on", "last_accessed_on", "expires_on")
METADATA_PREFIX = "metadata."
MAX_TEXT = 500
"""Characters of an external id, type, owner or tag: what an index holds with room to spare."""

_TYPES = mimetypes.MimeTypes()
"""The types that Python brings, so that every machine guesses the same."""

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestRow:
    """One document of a manifest."""

    line: int
    uri: str
    given: Given


class _BadCell(Exception):
    pass


def guessed_media_type(uri: str) -> str | None:
    """Return the media type that a file's name suggests."""
    stem, _, suffixes = uris.file_name(uri).partition(".")
    return _media_type_of(suffixes) if stem and suffixes else None


@lru_cache(maxsize=1024)
def _media_type_of(suffixes: str) -> str | None:
    return _TYPES.guess_type(f"x.{suffixes}")[0]


def checked_metadata(
    values: Mapping[str, str], declared: Mapping[str, MetadataType]
) -> dict[str, str | int]:
    """Return metadata as it is stored.

    :raises ConfigurationError: a key is not declared, or a value is not of its type.
    """
    require_declared(values, declared)
    try:
        return {key: _metadata(key, value, declared[key]) for key, value in values.items()}
    except _BadCell as error:
        raise ConfigurationError(str(error)) from None


def require_declared(keys: Mapping[str, object], declared: Mapping[str, MetadataType]) -> None:
    """Refuse metadata that rules could not use.

    :raises ConfigurationError: a key is not declared.
    """
    unknown = sorted(key for key in keys if key not in declared)
    if unknown:
        raise ConfigurationError(
            f"metadata that is not declared: {', '.join(unknown)}. Declared: "
            f"{', '.join(sorted(declared)) or 'none'}. Declare it first: "
            f"doclife documents declare-field {unknown[0]} TYPE (text, int or date)."
        )


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A CSV file with a header; UTF-8, commas, tags separated by semicolons.

    :param common: what is said about every row that does not say it itself.
    """

    path: Path
    declared: Mapping[str, MetadataType]
    common: Given

    def rows(self) -> Iterator[ManifestRow | Problem]:
        """Yield each row, or what is wrong with it; reads the file anew with every call.

        :raises ConfigurationError: the header is not one of ours, or the file cannot be read.
        """
        try:
            # Odd bytes in a path come back as they were; everywhere else they are replaced.
            with self.path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
                yield from self._rows(csv.reader(file, strict=True))
        except OSError as error:
            raise ConfigurationError(f"{self.path}: {error.strerror}") from error

    def _rows(self, reader: Any) -> Iterator[ManifestRow | Problem]:
        columns = self._header(next(reader, []))
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield self._problem(reader.line_num, f"{error}")
                continue
            if cells is None:
                return
            if not any(cells):
                continue
            line = reader.line_num
            if len(cells) != len(columns):
                reason = f"{len(cells)} cells, and the header has {len(columns)}"
                yield self._problem(line, reason)
                continue
            given = {
                column: cell.strip()
                for column, cell in zip(columns, cells, strict=True)
                if cell.strip()
            }
            try:
                yield self._row(line, given)
            except (_BadCell, ConfigurationError) as error:
                yield self._problem(line, str(error))

    def _header(self, columns: list[str]) -> list[str]:
        columns = [column.strip() for column in columns]
        known = (*PLACE_COLUMNS, *TEXT_COLUMNS, *DATE_COLUMNS, "tags")
        for column in columns:
            if column in known or column.startswith(METADATA_PREFIX):
                continue
            close = difflib.get_close_matches(column, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ConfigurationError(
                f"{self.path}: unknown column {uris.printable(column)!r}.{hint} Columns: "
                f"{', '.join(known)}, {METADATA_PREFIX}KEY."
            )
        if len(set(columns)) != len(columns):
            raise ConfigurationError(f"{self.path}: a column is there twice.")
        if not set(PLACE_COLUMNS) & set(columns):
            raise ConfigurationError(f"{self.path}: no column says where: add 'path' or 'uri'.")
        keys = {
            column.removeprefix(METADATA_PREFIX): None
            for column in columns
            if column.startswith(METADATA_PREFIX)
        }
        require_declared(keys, self.declared)
        return columns

    def _row(self, line: int, cells: Mapping[str, str]) -> ManifestRow:
        places = [cells[column] for column in PLACE_COLUMNS if column in cells]
        if len(places) != 1:
            raise _BadCell("it must say either 'path' or 'uri'")
        if "://" not in places[0]:
            places[0] = str(self.path.parent / places[0])
        common = self.common
        texts = {column: _text(column, cells) for column in TEXT_COLUMNS}
        if (texts["external_id"] or "").startswith(tombstone.PREFIX):
            raise _BadCell(
                f"external_id begins with {tombstone.PREFIX!r}: destroyed documents are called so"
            )
        dates = {column: _date(column, cells) for column in DATE_COLUMNS}
        metadata = {
            key: _metadata(key, cells[METADATA_PREFIX + key], kind)
            for key, kind in self.declared.items()
            if METADATA_PREFIX + key in cells
        }
        return ManifestRow(
            line=line,
            uri=uris.normalised(places[0]),
            given=Given(
                external_id=texts["external_id"],
                title=texts["title"],
                document_type=_first(texts["document_type"], common.document_type),
                owner=_first(texts["owner"], common.owner),
                tags=_first(_tags(cells), common.tags),
                media_type=texts["media_type"],
                metadata={**common.metadata, **metadata},
                created_on=dates["created_on"],
                modified_on=dates["modified_on"],
                last_accessed_on=dates["last_accessed_on"],
                expires_on=_first(dates["expires_on"], common.expires_on),
            ),
        )

    def _problem(self, line: int, reason: str) -> Problem:
        return Problem(
            path=f"{uris.printable(str(self.path))}:{line}",
            kind=ProblemKind.BAD_ROW,
            reason=uris.printable(reason),
        )


def _first(given: Value | None, common: Value | None) -> Value | None:
    return common if given is None else given


def _text(column: str, cells: Mapping[str, str]) -> str | None:
    text = cells.get(column)
    if text is None:
        return None
    if len(text) > MAX_TEXT:
        raise _BadCell(f"{column} has {len(text)} characters and {MAX_TEXT} are allowed")
    return _storable(column, text)


def _storable(column: str, text: str) -> str:
    if "\0" in text or (not text.isascii() and re.search("[\ud800-\udfff]", text)):
        raise _BadCell(f"{column} is not UTF-8 text: {uris.printable(text)[:80]!r}")
    return text


def _tags(cells: Mapping[str, str]) -> tuple[str, ...] | None:
    if "tags" not in cells:
        return None
    tags = [tag.strip() for tag in _storable("tags", cells["tags"]).split(";")]
    if any(len(tag) > MAX_TEXT for tag in tags):
        raise _BadCell(f"a tag has more than {MAX_TEXT} characters")
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _date(column: str, cells: Mapping[str, str]) -> date | None:
    text = cells.get(column)
    return None if text is None else _day(column, text)


def _day(column: str, text: str) -> date:
    try:
        # fromisoformat also takes 20261231 and 2026-W53-4, which a reader may take otherwise.
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise _BadCell(f"{column}: {text[:80]!r} is not a date written YYYY-MM-DD") from None


def _metadata(key: str, text: str, kind: MetadataType) -> str | int:
    if kind is MetadataType.DATE:
        return _day(METADATA_PREFIX + key, text).isoformat()
    if kind is MetadataType.INT:
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise _BadCell(
                f"{METADATA_PREFIX}{key}: {text[:80]!r} is not a whole number of up to 18 digits"
            )
        return int(text)
    return _storable(METADATA_PREFIX + key, text)
