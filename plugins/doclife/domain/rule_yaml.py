"""Rule files as plain data with line numbers, and back.

YAML 1.2 (JSON is YAML 1.2 too), read from parser events, not by a constructor, because a rule
file is somebody else's input: ``on``, ``yes`` and ``NO`` stay text, a key may stand once, nothing
is built but text, numbers, truth, lists and mappings, and aliases cannot multiply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.representer import SafeRepresenter

from doclife.domain.faults import Path, shown

MAX_CHARACTERS = 1_000_000
_MAX_VALUES = 100_000
"""Values in a file with every alias written out: a thousand rules of a hundred values."""
_MAX_DEPTH = 40

# YAML 1.2 core schema, section 10.3.2.
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,40}|[0-9]{1,40}(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,3})?")
_TAG = "tag:yaml.org,2002:"
# Text that tools which read YAML 1.1 take for something else; written in quotes for their sake.
_SURPRISES = re.compile(
    r"y|n|yes|no|on|off|true|false|null|~|[-+0-9.][0-9_:.,eExX+-]*", re.IGNORECASE
)

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True)
class FileFault:
    """One thing that is wrong with the text of a file.

    :param line: counted from 1.
    """

    line: int
    message: str


@dataclass(kw_only=True)
class LocatedData:
    """Plain data with the line of each of its values.

    :param faults: what made parts of the text unreadable; the rest of ``value`` is good.
    """

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[FileFault] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of a value, or of what it would be in when it is not there."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


@dataclass(frozen=True, kw_only=True)
class _Anchored:
    value: Any
    size: int


class _TooMuchError(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(kw_only=True)
class _Composer:
    """Builds plain data from events; depth and size are bounded, so recursion is safe."""

    events: Iterator[Event]
    data: LocatedData
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    open_anchors: set[str] = field(default_factory=set)
    values: int = 0

    def compose(self, event: Event, path: Path) -> Any:
        line = _line(event)
        self.data.lines[path] = line
        if isinstance(event, AliasEvent):
            return self.alias(event, line)
        if len(path) > _MAX_DEPTH:
            raise _TooMuchError(line, f"nested more than {_MAX_DEPTH} deep")
        before = self.values
        self.count(1, line)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.open_anchors.add(anchor)
        value = self.value(event, path)
        if anchor:
            self.open_anchors.discard(anchor)
            self.anchors[anchor] = _Anchored(value=value, size=self.values - before)
        return value

    def value(self, event: Event, path: Path) -> Any:
        self.tag(event)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        if isinstance(event, SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(following := next(self.events), SequenceEndEvent):
                items.append(self.compose(following, (*path, len(items))))
            return items
        return self.mapping(path)

    def mapping(self, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            line = _line(event)
            key = self.compose(event, (*path, "\0key"))
            self.data.lines.pop((*path, "\0key"), None)
            if isinstance(event, ScalarEvent):
                key = event.value
            if not isinstance(key, str):
                self.fault(line, f"{shown(key)} cannot be a key; keys are words")
                key = repr(key)
            value = self.compose(next(self.events), (*path, key))
            if key in mapping:
                self.fault(line, f"{shown(key)} stands twice in one mapping; the second is here")
                continue
            # A key's line is the better place to point at than its value's.
            self.data.lines[(*path, key)] = line
            mapping[key] = value
        return mapping

    def alias(self, event: AliasEvent, line: int) -> Any:
        anchor = str(event.anchor)
        if anchor not in self.anchors:
            itself = " refers to itself" if anchor in self.open_anchors else " is not defined"
            self.fault(line, f"alias *{anchor}{itself}")
            return None
        self.count(self.anchors[anchor].size, line)
        return self.anchors[anchor].value

    def tag(self, event: Event) -> None:
        tag = str(getattr(event, "tag", None) or "")
        if tag and tag not in ("!", *(f"{_TAG}{kind}" for kind in ("str", "map", "seq"))):
            self.fault(_line(event), f"tag {shown(tag)} is not for rule files; remove it")

    def count(self, values: int, line: int) -> None:
        self.values += values
        if self.values > _MAX_VALUES:
            raise _TooMuchError(
                line, f"more than {_MAX_VALUES:,} values (aliases written out); split the file"
            )

    def fault(self, line: int, message: str) -> None:
        self.data.faults.append(FileFault(line=line, message=message))


def read_yaml(text: str) -> LocatedData:
    """Read YAML or JSON text; never raises for what is in it."""
    data = LocatedData()
    if len(text) > MAX_CHARACTERS:
        message = f"{len(text):,} characters; a rule file has at most {MAX_CHARACTERS:,}"
        data.faults.append(FileFault(line=1, message=message))
        return data
    parser = YAML(typ="safe", pure=True)
    try:
        events = iter(parser.parse(StringIO(text)))
        composer = _Composer(events=events, data=data)
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    composer.fault(_line(event), "a second document (---); put it in its own file")
                    break
                if event.version is not None and tuple(event.version) != (1, 2):
                    composer.fault(_line(event), "rule files are YAML 1.2; remove the %YAML line")
                    break
                data.value = composer.compose(next(events), ())
    except _TooMuchError as error:
        data.faults.append(FileFault(line=error.line, message=str(error)))
        data.value = None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        line = 1 if mark is None else mark.line + 1
        data.faults.append(FileFault(line=line, message=f"not YAML: {problem}"))
        data.value = None
    except (YAMLError, ValueError, RecursionError) as error:
        # ValueError: characters that no YAML may hold; ruamel has no mark for them.
        reason = " ".join(str(error).split())
        data.faults.append(FileFault(line=_bad_character_line(text), message=f"not YAML: {reason}"))
        data.value = None
    return data


def write_yaml(value: Any) -> str:
    """Plain data as YAML 1.2 in block style that reads back as the same data."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's own type is too narrow
    writer.allow_unicode = True
    writer.width = 100
    writer.Representer = _QuotingRepresenter
    stream = StringIO()
    writer.dump(value, stream)
    return stream.getvalue()


class _QuotingRepresenter(SafeRepresenter):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  ruamel calls it so
        """Write everything out: a reader should not have to look up &id001."""
        return True

    def represent_text(self, data: str) -> Any:
        """Quote what YAML 1.1 would read as something else than text, and escape odd breaks."""
        style = '"' if _SURPRISES.fullmatch(data) or _UNPRINTABLE.search(data) else None
        return self.represent_scalar(f"{_TAG}str", data, style=style)


_QuotingRepresenter.add_representer(str, _QuotingRepresenter.represent_text)


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _bad_character_line(text: str) -> int:
    bad = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    return 1 if bad is None else text.count("\n", 0, bad.start()) + 1


def _scalar(event: ScalarEvent) -> str | int | float | bool | None:
    text = str(event.value)
    if event.style is not None or str(event.tag or "") in ("!", f"{_TAG}str"):
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
