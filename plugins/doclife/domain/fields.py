"""What a rule may look at: the closed list of fields, their types and the operators of a type.

Nothing else reaches SQL: a field name is a key of ``FIELDS`` or the declared name of a metadata
value, which travels as a parameter. docs/add-a-rule-field.md says how the list grows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    """What a field holds, and so which operators it has."""

    TEXT = "text"
    INT = "int"
    DATE = "date"
    TEXT_LIST = "text[]"


class MetadataType(StrEnum):
    """What a declared metadata field holds."""

    TEXT = "text"
    INT = "int"
    DATE = "date"


class Operator(StrEnum):
    """How a field is compared. The list is closed: no regular expressions, no expressions."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    BEFORE = "before"
    ON_OR_BEFORE = "on_or_before"
    AFTER = "after"
    ON_OR_AFTER = "on_or_after"
    OLDER_THAN = "older_than"
    NEWER_THAN = "newer_than"
    WITHIN_NEXT = "within_next"
    HAS_ANY = "has_any"
    HAS_ALL = "has_all"
    HAS_NONE = "has_none"
    IS_NULL = "is_null"
    NOT_NULL = "not_null"


NULLNESS = frozenset({Operator.IS_NULL, Operator.NOT_NULL})
LIST_OPERATORS = frozenset(
    {Operator.IN, Operator.NOT_IN, Operator.HAS_ANY, Operator.HAS_ALL, Operator.HAS_NONE}
)
PERIOD_OPERATORS = frozenset({Operator.OLDER_THAN, Operator.NEWER_THAN, Operator.WITHIN_NEXT})

_EQUALITY = (Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN)
_NULLNESS = (Operator.IS_NULL, Operator.NOT_NULL)

OPERATORS: Mapping[FieldType, tuple[Operator, ...]] = {
    FieldType.TEXT: (*_EQUALITY, Operator.CONTAINS, Operator.STARTS_WITH, *_NULLNESS),
    FieldType.INT: (
        *_EQUALITY, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, *_NULLNESS,
    ),
    FieldType.DATE: (
        Operator.BEFORE, Operator.ON_OR_BEFORE, Operator.AFTER, Operator.ON_OR_AFTER,
        Operator.OLDER_THAN, Operator.NEWER_THAN, Operator.WITHIN_NEXT, *_NULLNESS,
    ),
    FieldType.TEXT_LIST: (Operator.HAS_ANY, Operator.HAS_ALL, Operator.HAS_NONE, *_NULLNESS),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a document.

    :param sql: over alias ``d``; ``{time_zone}`` stands for the organization's zone.
    :param has_floor: the catalogue remembers when this date moved earlier (``anchor_floors``).
    """

    type: FieldType
    sql: str
    has_floor: bool = False


FIELDS: Mapping[str, Field] = {
    "external_id": Field(type=FieldType.TEXT, sql="d.external_id"),
    "title": Field(type=FieldType.TEXT, sql="d.title"),
    "document_type": Field(type=FieldType.TEXT, sql="d.document_type"),
    "owner": Field(type=FieldType.TEXT, sql="d.owner"),
    # In the trash a document keeps the status it had: what a rule protected while it was active
    # is still protected when it waits for its purge.
    "status": Field(type=FieldType.TEXT, sql="COALESCE(d.status_before, d.status)"),
    "tags": Field(type=FieldType.TEXT_LIST, sql="d.tags"),
    "media_type": Field(type=FieldType.TEXT, sql="d.media_type"),
    "size_bytes": Field(type=FieldType.INT, sql="d.size_bytes"),
    "created_on": Field(type=FieldType.DATE, sql="d.created_on", has_floor=True),
    "modified_on": Field(type=FieldType.DATE, sql="d.modified_on", has_floor=True),
    "last_accessed_on": Field(type=FieldType.DATE, sql="d.last_accessed_on", has_floor=True),
    "expires_on": Field(type=FieldType.DATE, sql="d.expires_on", has_floor=True),
    "registered_on": Field(
        type=FieldType.DATE, sql="(d.registered_at AT TIME ZONE {time_zone})::date"
    ),
    "archived_on": Field(type=FieldType.DATE, sql="(d.archived_at AT TIME ZONE {time_zone})::date"),
}

METADATA_PREFIX = "metadata."
METADATA_NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_]{0,62}"
_METADATA_NAME = re.compile(METADATA_NAME_PATTERN)

RULE_STATUSES = ("active", "archived")
"""The only states a rule ever looks at: what is in the trash or gone is past all rules."""


def is_metadata_name(name: str) -> bool:
    """Whether ``name`` may be declared as a metadata field: a letter, then letters, digits, _."""
    return _METADATA_NAME.fullmatch(name) is not None


def metadata_name(field: str) -> str | None:
    """``contract_end`` for ``metadata.contract_end``; None for every other field."""
    return field.removeprefix(METADATA_PREFIX) if field.startswith(METADATA_PREFIX) else None


def field_type(field: str, metadata_types: Mapping[str, MetadataType]) -> FieldType | None:
    """The type of a field; None when it is neither in the closed list nor declared."""
    if field in FIELDS:
        return FIELDS[field].type
    name = metadata_name(field)
    if name is None or not is_metadata_name(name) or name not in metadata_types:
        return None
    return FieldType(metadata_types[name].value)


def field_names(metadata_types: Mapping[str, MetadataType]) -> tuple[str, ...]:
    """Every field a rule may use here, for messages and completion."""
    return (*FIELDS, *(f"{METADATA_PREFIX}{name}" for name in sorted(metadata_types)))
