"""Expectations of rules: documents, days, and what the rules must come to, as an author writes it.

Read from YAML or JSON like rule files, with every fault of a file at once and its line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from doclife.domain.actions import RulePart
from doclife.domain.faults import Path, did_you_mean, shown
from doclife.domain.rule import RULE_NAME_PATTERN, EventType
from doclife.domain.rule_file import RuleFault, RuleFileError
from doclife.domain.rule_yaml import LocatedData, read_yaml
from doclife.domain.text import Text

SUFFIX = ".expect.yaml"
"""``contracts.expect.yaml`` tests ``contracts.yaml`` unless it names other rule files."""
NEVER: Literal["never"] = "never"
FOREVER: Literal["forever"] = "forever"
NONE: Literal["none"] = "none"
MAX_DOCUMENTS = 1000


def _day(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and len(value) == len("2026-01-31")):
        return value
    raise ValueError(f"{shown(value)} is not a day; write for example 2026-01-31")


Day = Annotated[date, BeforeValidator(_day)]
RuleName = Annotated[str, StringConstraints(pattern=RULE_NAME_PATTERN)]


class _OneOrMore:
    """Lets an author write one thing where a list of them may stand."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say so to editors."""
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class Expectation(RulePart):
    """What must be the case for one document on one day; what is left out is not looked at.

    :param as_of: the day; that of the case unless written.
    :param action: what would be done to the document that night: ARCHIVE, DELETE or none.
    :param messages: the messages that would go out because of it that night.
    :param rule: whose action or message that is, where several wanted it the winner.
    :param due: per action the day it is due, the earliest by any rule; ``never`` is a day as well.
    :param retained_until: the last day on which no rule may delete it, by the longest retention;
        ``forever`` also while an anchor is unknown; ``none`` when nothing retains it.
    :param retained_by: the rule with that longest retention.
    :param held: whether it is under a legal hold.
    :param unknown: rules that cannot judge it because something is missing or malformed, be there
        others or not; an empty list says that every rule can.
    :param because: why something that was due is not done: a reason code such as ``retained``.
    """

    as_of: Day | None = None
    action: Literal["ARCHIVE", "DELETE", "none"] | None = None
    messages: tuple[Literal["NOTIFY", "WEBHOOK"], ...] | None = None
    rule: RuleName | None = None
    due: dict[Literal["ARCHIVE", "DELETE", "NOTIFY", "WEBHOOK"], Day | Literal["never"]] = {}
    retained_until: Day | Literal["forever", "none"] | None = None
    retained_by: RuleName | None = None
    held: StrictBool | None = None
    unknown: tuple[RuleName, ...] | None = None
    because: Text | None = None


class Happening(RulePart):
    """An event of an application about the document."""

    type: EventType
    on: Day
    withdrawn: StrictBool = False


class ExpectedDocument(RulePart):
    """A document as it is registered, and what is expected of it.

    :param registered_on: ten years before the first day that is asked about, unless written:
        nothing cools off.
    :param holds: names of matters that it is under.
    :param has_bytes: without bytes there is nothing to archive.
    """

    id: Text
    title: Text | None = None
    document_type: Text | None = None
    owner: Text | None = None
    tags: tuple[Text, ...] | None = ()
    metadata: dict[str, Any] = {}
    media_type: Text | None = None
    size_bytes: Annotated[StrictInt, Field(ge=0)] = 1
    created_on: Day | None = None
    modified_on: Day | None = None
    last_accessed_on: Day | None = None
    expires_on: Day | None = None
    registered_on: Day | None = None
    events: tuple[Happening, ...] = ()
    holds: tuple[Text, ...] = ()
    has_bytes: StrictBool = True
    expect: Annotated[
        tuple[Expectation, ...], BeforeValidator(_listed), Field(min_length=1), _OneOrMore
    ]


class Case(RulePart):
    """Documents that exist together, and the day on which they are judged."""

    name: Text
    as_of: Day | None = None
    documents: Annotated[
        tuple[ExpectedDocument, ...], Field(min_length=1, max_length=MAX_DOCUMENTS)
    ]


class Setting(RulePart):
    """The organization that the documents belong to."""

    time_zone: Text = "UTC"
    cooling_off_days: Annotated[StrictInt, Field(ge=0)] = 7


class ExpectationFile(RulePart):
    """A file of expectations.

    :param rules: paths of rule files, from this file's folder; together they are in force.
    """

    rules: Annotated[
        tuple[Text, ...],
        BeforeValidator(_listed),
        PlainSerializer(list, return_type=list),
        _OneOrMore,
    ] = ()
    organization: Setting = Setting()
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class LocatedExpectations:
    """A file of expectations with the lines of its parts."""

    file: str
    content: ExpectationFile
    data: LocatedData

    def line(self, path: Path) -> int:
        """The line of a part, counted from 1."""
        return self.data.line(_as_written(path, self.data))


def load_expectations(text: str, *, file: str) -> LocatedExpectations:
    """Read a file of expectations: YAML 1.2 or JSON.

    :param file: how messages name it.
    :raises RuleFileError: with every fault of the file, in the order of its lines.
    """
    data = read_yaml(text)
    faults = [RuleFault(file=file, line=one.line, message=one.message) for one in data.faults]
    content: ExpectationFile | None = None
    if not faults:
        try:
            content = ExpectationFile.model_validate(data.value)
        except ValidationError as error:
            details = [dict(one) for one in error.errors(include_url=False)]
            # A list whose only part is faulty counts as empty too.
            deep = [one for one in details if one["type"] != "too_short"] or details
            faults = [_fault(one, file, data) for one in deep]
        else:
            faults = [
                RuleFault(file=file, line=data.line(path), message=message)
                for path, message in _undated(content)
            ]
    if content is None or faults:
        raise RuleFileError(sorted(faults, key=lambda fault: fault.line))
    return LocatedExpectations(file=file, content=content, data=data)


def expectation_json_schema() -> dict[str, Any]:
    """The schema of a file of expectations, published as include/rules/expect.schema.json."""
    schema = ExpectationFile.model_json_schema(ref_template="#/$defs/{model}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "doclife expectations of rules",
    }


def _undated(content: ExpectationFile) -> Sequence[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for number, case in enumerate(content.cases):
        names = [document.id for document in case.documents]
        for at, document in enumerate(case.documents):
            path: Path = ("cases", number, "documents", at)
            if case.as_of is None and any(one.as_of is None for one in document.expect):
                found.append(
                    ((*path, "expect"), "'as_of' is missing: the day, here or in the case")
                )
            if document.id in names[:at]:
                found.append(((*path, "id"), f"a document {shown(document.id)} is already there"))
    return found


def _as_written(path: Path, data: LocatedData) -> Path:
    """The path without the position in a list that the author did not write."""
    for at, step in enumerate(path):
        if step == 0 and path[: at + 1] not in data.lines:
            return (*path[:at], *path[at + 1 :])
    return path


_KEYS: Mapping[int | str, type[RulePart]] = {
    "cases": Case,
    "documents": ExpectedDocument,
    "events": Happening,
    "expect": Expectation,
    "organization": Setting,
}


def _fault(detail: dict[str, Any], file: str, data: LocatedData) -> RuleFault:
    path = _as_written(detail["loc"], data)
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    value = detail.get("input")
    if detail["type"] == "extra_forbidden":
        holder = [step for step in path[:-1] if step in _KEYS]
        keys = (_KEYS[holder[-1]] if holder else ExpectationFile).model_fields
        message = (
            f"unknown key {shown(path[-1])}.{did_you_mean(path[-1], keys)} Keys: {', '.join(keys)}"
        )
    elif detail["type"] == "missing":
        message = f"{path[-1]!r} is missing"
    elif detail["type"] == "value_error":
        message = str(detail["ctx"]["error"])
    else:
        text = str(detail["msg"])
        message = f"{shown(value)}: {text[:1].lower()}{text[1:]}"
    return RuleFault(
        file=file, line=data.line(path), message=f"{place.removeprefix('.')}: {message}"
    )
