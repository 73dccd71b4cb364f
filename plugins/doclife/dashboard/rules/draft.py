"""A rule that somebody is writing, in a form or as YAML: what was sent, read and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from doclife.dashboard.visit import Visit
from doclife.domain.fields import MetadataType
from doclife.domain.rule import Rule
from doclife.domain.rule_file import RuleFile, RuleFileError, dump_rules, load_rules
from doclife.domain.rule_form import RuleForm, form_of, obstacles
from doclife.domain.rule_form_editing import edited
from doclife.domain.rule_form_reading import form_from, read_form
from doclife.domain.rule_yaml import write_yaml
from doclife.store import organizations

FORM, YAML = "form", "yaml"
FILE = "the text"
"""How messages name what was typed."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One state of the editor.

    :param view: ``form`` or ``yaml``: which of the two counts.
    :param name: the rule that is edited; None for a new one.
    :param based_on: its version that the author has seen; None for a new one.
    :param rule: None while there are faults.
    :param faults: by field of the form; under ``yaml`` for the text.
    :param hints: why the form cannot show it.
    """

    view: str
    form: RuleForm
    text: str
    name: str | None
    based_on: int | None
    rule: Rule | None
    metadata_fields: Mapping[str, MetadataType]
    faults: Mapping[str, Sequence[str]]
    hints: Sequence[str] = ()

    @classmethod
    def of_rule(cls, rule: Rule, *, name: str | None = None, based_on: int | None = None) -> Self:
        """Begin with a rule that is good; as YAML when no form can show it."""
        hints = obstacles(rule)
        return cls(
            view=YAML if hints else FORM,
            form=RuleForm() if hints else form_of(rule),
            text=text_of(rule),
            name=name,
            based_on=based_on,
            rule=rule,
            metadata_fields={},
            faults={},
            hints=hints,
        )

    @classmethod
    def of_form(
        cls,
        form: RuleForm,
        *,
        types: Mapping[str, MetadataType],
        name: str | None = None,
        based_on: int | None = None,
    ) -> Self:
        """Read a form."""
        reading = read_form(form, metadata_types=types)
        faults = dict(reading.faults)
        text = text_of(reading.rule) if reading.rule else write_yaml({"rules": [dict(reading.raw)]})
        if name is not None and form.texts.get("name") != name:
            faults["name"] = (_KEEPS_ITS_NAME,)
        return cls(
            view=FORM,
            form=form,
            text=text,
            name=name,
            based_on=based_on,
            rule=None if faults else reading.rule,
            metadata_fields={},
            faults=faults,
        )

    @classmethod
    def of_text(
        cls,
        text: str,
        *,
        types: Mapping[str, MetadataType],
        organization: str,
        name: str | None = None,
        based_on: int | None = None,
    ) -> Self:
        """Read YAML with one rule."""
        faults: list[str] = []
        rule: Rule | None = None
        fields: Mapping[str, MetadataType] = {}
        try:
            found = load_rules(text, file=FILE, metadata_types=types)
        except RuleFileError as error:
            faults = [f"Line {fault.line}: {fault.message}" for fault in error.faults]
        else:
            fields = found.metadata_fields
            if len(found.rules) != 1:
                faults.append("Write exactly one rule here; several come by Import.")
            elif found.organization not in (None, organization):
                faults.append(f"This is organization {organization}, not {found.organization}.")
            elif name is not None and found.rules[0].name != name:
                faults.append(_KEEPS_ITS_NAME)
            else:
                (rule,) = found.rules
        return cls(
            view=YAML,
            form=RuleForm(),
            text=text,
            name=name,
            based_on=based_on,
            rule=rule,
            metadata_fields=fields,
            faults={"yaml": faults} if faults else {},
        )


_KEEPS_ITS_NAME = "A rule keeps its name. For a rule of another name duplicate this one."


def received(visit: Visit, pairs: Sequence[tuple[str, str]]) -> Draft:
    """Read what the editor has sent, and do what the pressed button says to it."""
    sent = dict(pairs)
    name = sent.get("editing") or None
    version = sent.get("based_on", "")
    based_on = (
        int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None
    )
    types = organizations.metadata_types(visit.conn, visit.tenant.id)
    deed = sent.get("do", "")
    if sent.get("view") == YAML:
        draft = Draft.of_text(
            sent.get("yaml", "").replace("\r\n", "\n"),
            types=types,
            organization=visit.tenant.slug,
            name=name,
            based_on=based_on,
        )
        return _as_form(draft) if deed == "view:form" else draft
    form = edited(form_from(pairs), deed, metadata_types=types)
    draft = Draft.of_form(form, types=types, name=name, based_on=based_on)
    if deed != "view:yaml":
        return draft
    return Draft.of_text(
        draft.text, types=types, organization=visit.tenant.slug, name=name, based_on=based_on
    )


def _as_form(draft: Draft) -> Draft:
    """Show YAML as a form, where that loses nothing; else stay, and say why."""
    hints = []
    if draft.rule is None:
        hints = ["the text has faults"]
    elif draft.metadata_fields:
        hints = ["it declares metadata_fields"]
    else:
        hints = obstacles(draft.rule)
    if draft.rule is None or hints:
        return Draft(**{**vars(draft), "hints": hints})
    return Draft.of_rule(draft.rule, name=draft.name, based_on=draft.based_on)


def text_of(rule: Rule) -> str:
    """One rule as the file that Import takes."""
    return dump_rules(RuleFile(rules=(rule,)))
