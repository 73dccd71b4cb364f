"""Rules and documents that nobody would think of."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from doclife.domain.fields import (
    FIELDS,
    LIST_OPERATORS,
    NULLNESS,
    OPERATORS,
    PERIOD_OPERATORS,
    FieldType,
    Operator,
)
from doclife.domain.rule import Rule
from doclife.domain.rule_checks import rule_faults
from tests.domain.conftest import METADATA, TODAY, document, event

DATE_FIELDS = [name for name, field in FIELDS.items() if field.type is FieldType.DATE]
ANCHORS = ["created_on", "expires_on", "registered_on", "metadata.contract_end"]
FIELD_TYPES = {name: field.type for name, field in FIELDS.items()} | {
    f"metadata.{name}": FieldType(kind.value) for name, kind in METADATA.items()
}
# A small vocabulary, so that rules hit documents; and words that would break careless SQL.
WORDS = st.sampled_from(["a", "b", "A", "ab", "%", "_"]) | st.sampled_from(
    [
        "'; DROP TABLE documents; --",
        '"',
        "\\",
        "%(x)s",
        "%s",
        "{0}",
        "$$",
        "é\u2028",
        "NO",
        "1",
        "~",
    ]
)
TEXTS = WORDS | st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=8
)
PERIODS = st.sampled_from(["0d", "1d", "1mo", "1mo1d", "2w", "90d", "1y", "7y", "1y6mo", "12mo"])
DAYS = st.sampled_from([-8, -2, -1, 0, 1, 2, 40]).flatmap(
    lambda near: st.sampled_from([0, 31, 90, 365, 366, 548, 2556, 2557]).map(
        lambda back: TODAY - timedelta(days=back - near)
    )
) | st.dates(date(2015, 1, 1), date(2030, 12, 31))
NAMES = st.from_regex(r"\A[a-z][a-z0-9-]{1,20}\Z")


@st.composite
def comparisons(draw: st.DrawFn, *, strict: bool) -> dict[str, Any]:
    field = draw(st.sampled_from(sorted(FIELD_TYPES)))
    kind = FIELD_TYPES[field]
    operators = [op for op in OPERATORS[kind] if not (strict and op in NULLNESS)]
    operator = draw(st.sampled_from(operators))
    raw: dict[str, Any] = {"field": field, "op": operator.value}
    if operator in NULLNESS:
        return raw
    scalar: st.SearchStrategy[Any] = {
        FieldType.TEXT: TEXTS,
        FieldType.TEXT_LIST: TEXTS,
        FieldType.INT: st.integers(-3, 3) | st.integers(-(2**62), 2**62),
        FieldType.DATE: DAYS.map(str),
    }[kind]
    if field == "status":
        scalar = st.sampled_from(["active", "archived"])
    elif operator in (Operator.CONTAINS, Operator.STARTS_WITH):
        scalar = scalar.filter(bool)
    if operator in PERIOD_OPERATORS:
        scalar = PERIODS
    elif operator in LIST_OPERATORS:
        scalar = st.lists(scalar, min_size=1, max_size=3)
    return {**raw, "value": draw(scalar)}


def conditions(*, strict: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Conditions as a file writes them; strict ones ask for nothing missing."""
    return st.recursive(
        comparisons(strict=strict),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=6,
    ).filter(lambda raw: _depth(raw) <= 8)


def _depth(raw: Any) -> int:
    if isinstance(raw, list):
        return max(map(_depth, raw))
    inner = [value for key, value in raw.items() if key in ("all", "any", "not")]
    return 1 + max(map(_depth, inner), default=0)


def _actions(kinds: list[str], afters: list[str | None]) -> list[dict[str, Any]]:
    settings: dict[str, dict[str, Any]] = {
        "NOTIFY": {"with": {"to": "{{ document.owner }}", "digest": "daily"}},
        "WEBHOOK": {"with": {"endpoint": "x", "timeout": "10s", "headers": {"X-A": "b"}}},
        "ARCHIVE": {},
        "DELETE": {},
    }
    return [
        {"do": kind, **settings[kind], **({} if after is None else {"after": after})}
        for kind, after in zip(kinds, afters, strict=False)
    ]


@st.composite
def rules(draw: st.DrawFn, *, deletes: bool | None = None, retains: bool | None = None) -> Rule:
    """Any rule the language has, its parts fitting together."""
    trigger = draw(st.sampled_from(["ON_SCHEDULE", "ON_EXPIRATION", "ON_EVENT"]))
    has_retain = draw(st.booleans()) if retains is None else retains
    kinds = [kind for kind in ("ARCHIVE", "NOTIFY", "WEBHOOK") if draw(st.booleans())]
    has_delete = draw(st.booleans()) if deletes is None else deletes
    kinds += ["DELETE"] if has_delete or not (kinds or has_retain) else []
    parts: dict[str, Any] = {"name": draw(NAMES), "trigger": {"type": trigger}}
    if trigger == "ON_EVENT":
        parts["trigger"]["event"] = "employee.left"
    if has_retain:
        anchor = {
            "ON_SCHEDULE": draw(st.sampled_from([*ANCHORS, "event:employee.left"])),
            "ON_EXPIRATION": "expires_on",
            "ON_EVENT": "event:employee.left",
        }[trigger]
        period = draw(PERIODS if kinds else PERIODS | st.just("permanent"))
        cutoff = draw(st.sampled_from(["none", "end_of_month", "end_of_year"]))
        parts["retain"] = {"for": period, "after": anchor, "cutoff": cutoff}
    has_anchor = has_retain or trigger != "ON_SCHEDULE"
    afters = [draw(st.none() | PERIODS) if has_anchor else None for _ in kinds]
    parts["actions"] = _actions(kinds, afters)
    if draw(st.booleans()) or (has_delete and not has_retain) or not has_retain:
        parts["when"] = draw(conditions(strict="DELETE" in kinds))
    if draw(st.booleans()):
        parts["authority"] = draw(TEXTS)
        parts["priority"] = draw(st.integers(0, 1000))
        parts["mode"] = draw(st.sampled_from(["off", "simulate", "enforce"]))
        parts["limits"] = {"max_documents": 7, "max_fraction": 0.5, "per_night": 3}
        parts["review"] = {"stages": ["owner"], "remind": "7d"}
    try:
        return Rule.model_validate(parts)
    except ValueError:
        # A DELETE or ARCHIVE whose own period is in the way of the others.
        for action in parts["actions"]:
            action.pop("after", None)
        made = Rule.model_validate(parts)
        assert rule_faults(made, metadata_types=METADATA) == []
        return made


@st.composite
def documents(draw: st.DrawFn, number: int = 1) -> dict[str, Any]:
    """A document with everything known and well formed, or most of it."""
    maybe_day = st.none() | DAYS.map(str) | DAYS.map(str)
    metadata = {
        "contract_end": draw(maybe_day),
        "pages": draw(st.none() | st.integers(-3, 3)),
        "country": draw(st.none() | TEXTS),
    }
    fields: dict[str, Any] = {
        name: draw(maybe_day)
        for name in DATE_FIELDS
        if name not in ("registered_on", "archived_on")
    }
    fields |= {name: draw(st.none() | TEXTS) for name in ("title", "document_type", "owner")}
    fields["tags"] = draw(st.none() | st.lists(TEXTS, max_size=3))
    fields["size_bytes"] = draw(st.none() | st.integers(0, 3))
    fields["media_type"] = draw(st.none() | TEXTS)
    fields["status"] = draw(st.sampled_from(["active", "active", "archived", "deleted"]))
    if fields["status"] == "deleted":
        fields["status_before"] = draw(st.sampled_from(["active", "archived"]))
    fields["registered_at"] = f"{draw(DAYS)}T23:30:00+00:00"
    fields["archived_at"] = draw(st.none() | DAYS.map(lambda day: f"{day}T12:00:00+00:00"))
    if draw(st.booleans()):
        floor = {"on": str(draw(DAYS)), "at": draw(st.sampled_from(["2025-06-01", "2026-06-01"]))}
        fields["anchor_floors"] = {draw(st.sampled_from(ANCHORS)): [floor]}
    return document(number, metadata=metadata, **fields)


@st.composite
def events(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What happened to document 1, some of it withdrawn."""
    days = draw(st.lists(DAYS, max_size=3))
    return [
        event(
            number,
            str(day),
            withdrawn_at=draw(st.none() | st.just("2026-11-01T00:00:00+00:00")),
            is_external=draw(st.sampled_from([True, True, True, False])),
        )
        for number, day in enumerate(days)
    ]


MALFORMED = {
    "contract_end": st.sampled_from(["2026-02-30", "soon", 5, [], {}, True]),
    "pages": st.sampled_from(["many", 1.5, [], {}, True]),
    "country": st.sampled_from([[], {}, ["DE"], {"code": "DE"}]),
}


@st.composite
def degraded(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """The document after some of its values went missing or became malformed."""
    poorer = {**whole, "metadata": dict(whole["metadata"])}
    nullable = ["title", "document_type", "owner", "tags", "size_bytes", "media_type"]
    nullable += ["created_on", "modified_on", "last_accessed_on", "expires_on", "archived_at"]
    for name in draw(st.sets(st.sampled_from(nullable))):
        poorer[name] = None
    for name in draw(st.sets(st.sampled_from(sorted(METADATA)))):
        how = draw(st.integers(0, 2))
        if how == 0:
            poorer["metadata"].pop(name, None)
        else:
            poorer["metadata"][name] = None if how == 1 else draw(MALFORMED[name])
    return poorer
