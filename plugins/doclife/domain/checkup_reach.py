"""How far logins and functions reach, beyond what the group roles were granted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from doclife.domain.checkup import APPLICATION, WORKER, Finding, fault, ok


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What a login of an application may do that it should not."""

    login: str
    role: str | None
    """Another role of doclife's whose rights it has; None where it was granted a right itself."""
    table_name: str | None
    privilege: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """A table that a group role was allowed to read, and is not any more."""

    role: str
    table_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenFunction:
    """A function that runs with the owner's rights and is not closed."""

    signature: str
    """With the types of its arguments."""
    has_path: bool
    """Its search_path is pinned; else whoever calls it decides what its words mean."""
    is_public: bool
    """Everybody may call it."""


def judge_reach(reaches: Sequence[Reach]) -> Iterator[Finding]:
    """Judge whether applications may do what applications may, and no more."""
    for one in reaches:
        if one.role is not None:
            yield fault(
                "applications",
                f"{one.login} is a member of {APPLICATION} and of {one.role}: an application "
                "that could plan, approve and destroy",
                fix=f"REVOKE {one.role} FROM {one.login}; give tasks a login of their own",
            )
        else:
            yield fault(
                "applications",
                f"{one.login} itself may {one.privilege} {one.table_name}",
                fix=f"REVOKE {one.privilege} ON doclife.{one.table_name} FROM {one.login}",
            )
    if not reaches:
        yield ok("applications", f"no login of {APPLICATION} may more than that role")


def judge_unreadable(tables: Sequence[Unreadable]) -> Iterator[Finding]:
    """Judge whether tasks and readers still may what the migrations let them."""
    for one in tables:
        hurt = "tasks fail" if one.role == WORKER else "what only reads fails"
        yield fault(
            "rights",
            f"{one.role} may not read {one.table_name}: {hurt}",
            fix=f"as owner: GRANT SELECT ON doclife.{one.table_name} TO {one.role}",
        )


def judge_functions(functions: Sequence[OpenFunction]) -> Iterator[Finding]:
    """Judge whether functions that run with the owner's rights are closed to others."""
    for one in functions:
        if not one.has_path:
            yield fault(
                "functions",
                f"{one.signature} runs as its owner with the search_path of its caller, who can "
                "slip other tables under it",
                fix=f"as owner: ALTER FUNCTION doclife.{one.signature} "
                "SET search_path = doclife, pg_temp",
            )
        if one.is_public:
            yield fault(
                "functions",
                f"everybody may call {one.signature}, which runs as its owner",
                fix=f"as owner: REVOKE EXECUTE ON FUNCTION doclife.{one.signature} FROM PUBLIC",
            )
    if not functions:
        yield ok("functions", "those that run as their owner are closed and know their schema")
