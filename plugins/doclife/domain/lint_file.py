"""The linter over rule files: findings with their lines, and comments that silence them.

A finding is silenced where the rule is written, with a reason::

    # lint: ignore no-grace (the scanner keeps a copy for a year)

A comment, not a key of the rule: it makes no new version of the rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from doclife.domain.fields import MetadataType
from doclife.domain.lint_finding import Code, Finding, Severity
from doclife.domain.rule import Rule
from doclife.domain.rule_file import RuleFile, load_rules
from doclife.domain.rule_yaml import LocatedData, read_yaml

_IGNORE = re.compile(r"(?:^|\s)#\s*lint:\s*ignore\s+([a-z-]+(?:\s*,\s*[a-z-]+)*)[ \t]*([^\n]*)")


@dataclass(frozen=True, kw_only=True)
class Ignore:
    """A comment that silences findings of the rule that it stands in or above."""

    line: int
    rule: str
    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class LintedFile:
    """A rule file as the linter reads it."""

    file: str
    content: RuleFile
    data: LocatedData
    ignores: tuple[Ignore, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order of the file."""
        return self.content.rules

    def line(self, finding: Finding) -> int:
        """The line of what a finding is about, else of its rule; counted from 1."""
        names = [rule.name for rule in self.rules]
        return self.data.line((*_place(self.data, names.index(finding.rule)), *finding.path))


@dataclass(frozen=True, kw_only=True)
class LocatedFinding:
    """A finding with its place."""

    file: str
    line: int
    finding: Finding

    def __str__(self) -> str:
        """``file:line: severity code: rule x: what; why; how to mend it``."""
        one = self.finding
        return (
            f"{self.file}:{self.line}: {one.severity} {one.code}: rule {one.rule}: {one.what}; "
            f"{one.why}. To mend it: {one.fix}"
        )


def read_for_lint(
    text: str, *, file: str, metadata_types: Mapping[str, MetadataType] | None = None
) -> LintedFile:
    """Read a rule file with its lines and the comments that silence findings.

    :raises RuleFileError: with every fault of the file; only valid rules are linted.
    """
    content = load_rules(text, file=file, metadata_types=metadata_types)
    data = read_yaml(text)
    return LintedFile(
        file=file, content=content, data=data, ignores=tuple(_ignores(text, content.rules, data))
    )


def locate(files: Sequence[LintedFile], findings: Sequence[Finding]) -> list[LocatedFinding]:
    """The findings about rules of these files that no comment silences, in the order of lines.

    Comments that name no code, give no reason or silence nothing are findings themselves.
    """
    located: list[LocatedFinding] = []
    for one in files:
        mine = [found for found in findings if found.rule in {rule.name for rule in one.rules}]
        silenced = {(ignore.rule, code) for ignore in one.ignores for code in ignore.codes}
        located += [
            LocatedFinding(file=one.file, line=one.line(found), finding=found)
            for found in mine
            if (found.rule, found.code.value) not in silenced
        ]
        located += [
            LocatedFinding(file=one.file, line=ignore.line, finding=finding)
            for ignore in one.ignores
            for finding in _about(ignore, {(found.rule, found.code.value) for found in mine})
        ]
    return sorted(located, key=lambda found: (found.file, found.line))


def _about(ignore: Ignore, found: set[tuple[str, str]]) -> list[Finding]:
    faults = [
        (
            Code.UNKNOWN_CODE,
            f"there is no code {code!r} to ignore",
            "a misspelt code silences nothing",
            f"codes: {', '.join(known.value for known in Code)}",
        )
        for code in ignore.codes
        if code not in set(Code)
    ]
    faults += [
        (
            Code.IGNORES_NOTHING,
            f"{code} is ignored and not found",
            "it would hide the next fault of that kind",
            "remove the comment",
        )
        for code in ignore.codes
        if code in set(Code) and (ignore.rule, code) not in found
    ]
    if not ignore.reason:
        faults.append(
            (
                Code.NO_REASON,
                f"{', '.join(ignore.codes)} is ignored without a reason",
                "whoever reads the rule next cannot tell whether it still holds",
                "write the reason behind the code, in parentheses",
            )
        )
    return [
        Finding(
            code=code,
            severity=Severity.WARNING,
            rule=ignore.rule,
            path=(),
            what=what,
            why=why,
            fix=fix,
        )
        for code, what, why, fix in faults
    ]


def _place(data: LocatedData, position: int) -> tuple[str | int, ...]:
    return ("rules", position) if isinstance(data.value, dict) else (position,)


def _ignores(text: str, rules: Sequence[Rule], data: LocatedData) -> list[Ignore]:
    lines = text.splitlines()
    starts = [_first_line(lines, data.line(_place(data, at))) for at in range(len(rules))]
    found = []
    for number, line in enumerate(lines, start=1):
        match = _IGNORE.search(line)
        rule = next(
            (
                one
                for one, start in reversed(list(zip(rules, starts, strict=True)))
                if start <= number
            ),
            None,
        )
        if match is not None and rule is not None:
            codes = tuple(code.strip() for code in match[1].split(","))
            reason = match[2].strip(" \t()-:")
            found.append(Ignore(line=number, rule=rule.name, codes=codes, reason=reason))
    return found


def _first_line(lines: Sequence[str], line: int) -> int:
    """The first of the comment lines right above a line, or the line itself."""
    while line > 1 and lines[line - 2].lstrip().startswith("#"):
        line -= 1
    return line
