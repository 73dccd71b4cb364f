"""Rule files: text in, rules out, or every fault of the file at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from doclife.domain.condition_reader import read_what_can_be_read
from doclife.domain.faults import Fault, Path, did_you_mean, shown
from doclife.domain.fields import MetadataType, is_metadata_name
from doclife.domain.rule import Rule, UncheckedRule
from doclife.domain.rule_faults import faults_of
from doclife.domain.rule_remains import faults_between_parts
from doclife.domain.rule_yaml import LocatedData, read_yaml, write_yaml
from doclife.errors import ConfigurationError

MAX_RULES = 1000
ORGANIZATION_PATTERN = r"[a-z][a-z0-9-]{0,62}"
_ORGANIZATION = re.compile(ORGANIZATION_PATTERN)
_FILE_KEYS = ("organization", "metadata_fields", "rules")


@dataclass(frozen=True, kw_only=True)
class RuleFault:
    """One thing to correct in a rule file.

    :param line: counted from 1.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """``file:line: message``, which editors and terminals turn into a link."""
        return f"{self.file}:{self.line}: {self.message}"


class RuleFileError(ConfigurationError):
    """A rule file has faults; the message has one line for each."""

    def __init__(self, faults: Sequence[RuleFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, kw_only=True)
class RuleFile:
    """What a rule file says.

    :param organization: its slug; None leaves it to the caller (``default`` on the command line).
    :param metadata_fields: what this file declares; not what was declared before.
    """

    rules: tuple[Rule, ...]
    organization: str | None = None
    metadata_fields: Mapping[str, MetadataType] = field(default_factory=dict)


def load_rules(
    text: str, *, file: str, metadata_types: Mapping[str, MetadataType] | None = None
) -> RuleFile:
    """Read a rule file: YAML 1.2 or JSON, a list of rules or a mapping with ``rules``.

    :param file: how messages name it.
    :param metadata_types: what the organization has declared already; the file may add to it, and
        may repeat it with the same type.
    :raises RuleFileError: with every fault of the file, in the order of its lines.
    """
    reader = _FileReader(data=read_yaml(text), file=file, declared=dict(metadata_types or {}))
    return reader.read()


def named_organization(text: str) -> str | None:
    """The organization that a rule file names, or None; nothing else of it is judged."""
    content = read_yaml(text).value
    slug = content.get("organization") if isinstance(content, dict) else None
    return slug if isinstance(slug, str) and _ORGANIZATION.fullmatch(slug) else None


def dump_rules(rules: RuleFile) -> str:
    """The canonical text of rules: reads back as the same, and is the same after reading it."""
    content: dict[str, Any] = {}
    if rules.organization is not None:
        content["organization"] = rules.organization
    if rules.metadata_fields:
        content["metadata_fields"] = {
            name: kind.value for name, kind in sorted(rules.metadata_fields.items())
        }
    content["rules"] = [rule.to_source() for rule in rules.rules]
    return write_yaml(content)


def read_rule(
    raw: Mapping[str, Any], *, metadata_types: Mapping[str, MetadataType]
) -> tuple[Rule | None, list[Fault]]:
    """Read one rule from plain data, as a file or a form gives it.

    :param metadata_types: what is declared.
    :returns: the rule, None when it has faults, and every fault.
    """
    faults: list[Fault] = []
    parts = dict(raw)
    if parts.get("when") is not None:
        parts["when"], faults = read_what_can_be_read(
            parts["when"], metadata_types=metadata_types, path=("when",)
        )
    try:
        UncheckedRule.model_validate(parts)
    except ValidationError as error:
        faults += faults_of(error)
    faults += faults_between_parts(parts, faults, metadata_types=metadata_types)
    return (None if faults else Rule.model_validate(parts)), faults


@dataclass(kw_only=True)
class _FileReader:
    data: LocatedData
    file: str
    declared: dict[str, MetadataType]
    faults: list[RuleFault] = field(default_factory=list)

    def read(self) -> RuleFile:
        for fault in self.data.faults:
            self.faults.append(RuleFault(file=self.file, line=fault.line, message=fault.message))
        content = self.data.value
        rules_path: Path = ()
        organization: str | None = None
        own: dict[str, MetadataType] = {}
        if isinstance(content, dict):
            rules_path = ("rules",)
            organization = self.organization(content)
            own = self.metadata_fields(content)
            self.file_keys(content)
            content = content.get("rules", [])
        if not isinstance(content, list):
            if not self.faults or content is not None:
                self.fault(rules_path, "a rule file is a list of rules, or a mapping with 'rules'")
            content = []
        if len(content) > MAX_RULES:
            self.fault(rules_path, f"{len(content)} rules; a file has at most {MAX_RULES}")
            content = content[:MAX_RULES]
        rules = [self.rule(raw, (*rules_path, at)) for at, raw in enumerate(content)]
        self.names(content, rules_path)
        if self.faults:
            raise RuleFileError(sorted(self.faults, key=lambda fault: fault.line))
        return RuleFile(
            rules=tuple(rule for rule in rules if rule is not None),
            organization=organization,
            metadata_fields=own,
        )

    def file_keys(self, content: dict[str, Any]) -> None:
        for key in content:
            if key in _FILE_KEYS:
                continue
            hint = did_you_mean(key, _FILE_KEYS)
            if key in UncheckedRule.model_fields:
                hint = " A rule goes into a list: begin it with '- '."
            self.fault((key,), f"unknown key {shown(key)} in a rule file.{hint}")
        if "rules" not in content:
            self.fault((), "a rule file that is a mapping needs 'rules', a list")

    def organization(self, content: dict[str, Any]) -> str | None:
        slug = content.get("organization")
        if slug is None:
            return None
        if isinstance(slug, str) and _ORGANIZATION.fullmatch(slug):
            return slug
        self.fault(
            ("organization",),
            f"{shown(slug)} is not the slug of an organization; write lower-case letters, "
            "digits and -",
        )
        return None

    def metadata_fields(self, content: dict[str, Any]) -> dict[str, MetadataType]:
        raw = content.get("metadata_fields")
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self.fault(("metadata_fields",), "needs a mapping such as {contract_end: date}")
            return {}
        own: dict[str, MetadataType] = {}
        for name, word in raw.items():
            kind = self.metadata_field(name, word, ("metadata_fields", name))
            if kind is not None:
                own[name] = kind
        self.declared.update(own)
        return own

    def metadata_field(self, name: str, word: object, path: Path) -> MetadataType | None:
        if not is_metadata_name(name):
            self.fault(
                path, f"{shown(name)} cannot be declared; write a letter, then letters, digits or _"
            )
            return None
        try:
            kind = MetadataType(word)  # type: ignore[arg-type]  # any other type raises too
        except ValueError:
            words = [known.value for known in MetadataType]
            hint = did_you_mean(word, words)
            self.fault(path, f"{shown(word)} is not a type.{hint} Types: {', '.join(words)}")
            return None
        before = self.declared.get(name)
        if before is not None and before is not kind:
            self.fault(
                path, f"metadata field {name!r} is declared as {before} already, here as {kind}"
            )
            return None
        return kind

    def names(self, content: list[Any], rules_path: Path) -> None:
        lines: dict[str, int] = {}
        for at, raw in enumerate(content):
            name = raw.get("name") if isinstance(raw, dict) else None
            if not isinstance(name, str):
                continue
            path = (*rules_path, at, "name")
            if name in lines:
                self.fault(path, f"a rule {shown(name)} is already in line {lines[name]}")
            else:
                lines[name] = self.data.line(path)

    def rule(self, raw: object, path: Path) -> Rule | None:
        if not isinstance(raw, dict):
            self.fault(path, f"{shown(raw)} is not a rule; a rule is a mapping with a name")
            return None
        rule, faults = read_rule(raw, metadata_types=self.declared)
        for fault in faults:
            self.fault((*path, *fault.path), self.named(raw, fault))
        return rule

    def named(self, raw: dict[str, Any], fault: Fault) -> str:
        """The message with the rule's name and the place in it, for files of many rules."""
        name = raw.get("name")
        where = _place(fault.path)
        prefix = f"rule {name}" if isinstance(name, str) and len(name) <= 63 else "a rule"
        return f"{prefix}{', ' + where if where else ''}: {fault.message}"

    def fault(self, path: Path, message: str) -> None:
        self.faults.append(RuleFault(file=self.file, line=self.data.line(path), message=message))


def _place(path: Path) -> str:
    place = ""
    for step in path:
        place += f"[{step}]" if isinstance(step, int) else f"{'.' if place else ''}{step}"
    return place
