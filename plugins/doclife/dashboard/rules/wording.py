"""The words of the rules' pages: for fields, operators, outcomes and differences."""

from collections.abc import Mapping

from doclife.domain.fields import FIELDS, OPERATORS, MetadataType, field_names, field_type

OPERATORS_IN_WORDS: Mapping[str, str] = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "starts_with": "begins with",
    "lt": "is less than",
    "lte": "is at most",
    "gt": "is more than",
    "gte": "is at least",
    "before": "is before",
    "on_or_before": "is on or before",
    "after": "is after",
    "on_or_after": "is on or after",
    "older_than": "is longer ago than",
    "newer_than": "is not longer ago than",
    "within_next": "comes within the next",
    "has_any": "has any of",
    "has_all": "has all of",
    "has_none": "has none of",
    "is_null": "is missing",
    "not_null": "is there",
}
GROUPS_IN_WORDS = {
    "all": "All of these are true",
    "any": "Any of these is true",
    "not": "Not",
}
TRIGGERS_IN_WORDS = {
    "ON_SCHEDULE": "By the calendar",
    "ON_EXPIRATION": "When it expires",
    "ON_EVENT": "When something happens",
}
MODES_IN_WORDS = {
    "off": "neither acts nor retains",
    "simulate": "retains, and shows what it would do; does nothing",
    "enforce": "retains and acts",
}
CUTOFFS_IN_WORDS = {
    "none": "that very day",
    "end_of_month": "the end of its month",
    "end_of_year": "the end of its year",
}
REASONS: Mapping[str, str] = {
    "held": "Under legal hold",
    "retained": "Retained by another rule",
    "reprieved": "Left alone after a restore or rejection",
    "cooling_off": "Cooling off: new, or changed days ago",
    "reserved": "In another open plan",
    "archive_first": "Archived first",
    "outranked": "Another rule does it",
    "paced": "On one of the next nights",
    "no_bytes": "No bytes known to archive",
    "not_warned": "Nobody was warned in time",
    "row_unread": "Its application's row could not be read",
}
"""What judging says, by code; other codes are shown as they are."""
CHANGES: Mapping[str, str] = {
    "newly_due": "newly due",
    "no_longer_due": "no longer due",
    "earlier": "go earlier",
    "later": "go later",
    "newly_scheduled": "get a date",
    "no_longer_scheduled": "lose their date",
    "newly_retained": "newly retained",
    "no_longer_retained": "no longer retained",
    "retained_longer": "retained for longer",
    "retained_shorter": "retained for less long",
}
DANGEROUS = frozenset({"newly_due", "no_longer_retained"})


def reason(code: str | None) -> str:
    """What judging says about documents that are left alone."""
    return REASONS.get(code or "", (code or "").replace("_", " ").capitalize())


def fields(types: Mapping[str, MetadataType]) -> list[tuple[str, str]]:
    """Every field that a condition may use here, with how it is called."""
    return [
        (name, name.replace("_", " ") if name in FIELDS else name) for name in field_names(types)
    ]


def operators(field: str, types: Mapping[str, MetadataType]) -> list[tuple[str, str]]:
    """The operators of a field; all of them while the field is unknown."""
    kind = field_type(field, types)
    known = list(OPERATORS_IN_WORDS) if kind is None else [one.value for one in OPERATORS[kind]]
    return [(name, OPERATORS_IN_WORDS[name]) for name in known]


def anchors(types: Mapping[str, MetadataType]) -> list[str]:
    """The dates that a retention may count from."""
    return [name for name in field_names(types) if str(field_type(name, types)) == "date"]
