from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doclife.domain.actions import ActionType
from doclife.domain.compiler import Compiler, RuleVersion
from doclife.domain.condition import AllOf, Comparison
from doclife.domain.fields import FIELDS, MetadataType, Operator
from doclife.domain.rule import Mode, UncheckedRule
from doclife.domain.rule_file import RuleFault, RuleFile, RuleFileError, dump_rules, load_rules
from doclife.domain.rule_yaml import write_yaml
from tests.domain.conftest import RULE_MADE_AT, TODAY
from tests.domain.strategies import rules

EXAMPLES = Path(__file__).parents[2] / "include/rules/examples.yaml"
GUIDE = Path(__file__).parents[2] / "docs/rules.md"

MANY_FAULTS = """\
organization: acme
metadata_fields: {contract_end: date, country: text, page-count: int, x: dat}
rules:
  - name: Good-Rule
    mode: enforc
    trigger: {type: ON_SCHEDUL, cron: "0 3 * *"}
    when:
      all:
        - {field: document_typ, op: eq, value: x}
        - {field: tags, op: has_an, value: [a]}
        - {field: metadata.contract_ende, op: older_than, value: 7 years}
        - {field: metadata.country, op: eq, value: true}
        - {field: size_bytes, op: gt, value: "1"}
        - {feild: title, op: eq, value: x}
    retian: {for: 7y}
    grace: 30
    warn: [30d, soon]
    limits: {max_documents: many, max_fracton: 1}
    actions:
      - {do: DELET}
      - {do: NOTIFY, with: {chanel: email, to: x, digest: dayly}}
      - {with: {}}
  - name: two
    trigger: {type: ON_EVENT}
    when: {any: [{field: title, op: is_null}, {field: titel, op: not_null}]}
    actions: [{do: DELETE}, {do: ARCHIVE, aftr: 1y}]
  - name: two
    trigger: {type: ON_SCHEDULE}
    retain: {for: 7y, after: title}
    actions:
      - {do: DELETE, after: 1y}
  - five
"""
EXPECTED = [
    (2, "'page-count' cannot be declared"),
    (2, "'dat' is not a type. Did you mean 'date'?"),
    (4, "'Good-Rule' cannot name a rule"),
    (5, "'enforc' is none of off, simulate, enforce. Did you mean 'enforce'?"),
    (6, "Did you mean 'ON_SCHEDULE'?"),
    (6, "'0 3 * *' is not a cron expression of five fields"),
    (9, "unknown field 'document_typ'. Did you mean 'document_type'?"),
    (10, "unknown operator 'has_an'. Did you mean 'has_any'?"),
    (11, "'contract_ende' is not declared. Did you mean 'metadata.contract_end'?"),
    (11, "'7 years' is not a period"),
    (12, "True is not text; put it in quotes"),
    (13, "'1' is not a whole number"),
    (14, "unknown key 'feild' in a comparison. Did you mean 'field'?"),
    (14, "a comparison needs 'field'"),
    (15, "unknown key 'retian'. Did you mean 'retain'?"),
    (16, "30 is not a period; write it with its unit"),
    (17, "'soon' is not a period"),
    (18, "'many'"),
    (18, "unknown key 'max_fracton'. Did you mean 'max_fraction'?"),
    (20, "'DELET' is none of ARCHIVE, DELETE, NOTIFY, WEBHOOK. Did you mean 'DELETE'?"),
    (21, "unknown key 'chanel'. Did you mean 'channel'?"),
    (21, "'dayly' is none of none, daily. Did you mean 'daily'?"),
    (22, "an action needs 'do'"),
    (24, "ON_EVENT needs 'event'"),
    (25, "a rule that deletes cannot ask for a missing title"),
    (25, "unknown field 'titel'. Did you mean 'title'?"),
    (26, "DELETE must be the last action"),
    (26, "unknown key 'aftr'. Did you mean 'after'?"),
    (27, "a rule 'two' is already in line 23"),
    (29, "'title' is of type text; a retention period counts from a date"),
    (31, "DELETE after 1y, but this rule itself retains for 7y"),
    (32, "'five' is not a rule"),
]


def faults(text: str, **declared: MetadataType) -> list[str]:
    with pytest.raises(RuleFileError) as refused:
        load_rules(text, file="rules.yaml", metadata_types=declared)
    assert str(refused.value).splitlines() == [str(fault) for fault in refused.value.faults]
    return [str(fault) for fault in refused.value.faults]


def one_rule(when: str = "{field: title, op: eq, value: x}", rest: str = "") -> str:
    return (
        "- name: one\n  trigger: {type: ON_SCHEDULE}\n"
        f"  when: {when}\n  actions: [{{do: ARCHIVE}}]\n{rest}"
    )


def loaded_value(text: str, **declared: MetadataType) -> Any:
    """The value of the only comparison of the only rule."""
    file = load_rules(one_rule(text), file="rules.yaml", metadata_types=declared)
    condition = file.rules[0].when
    assert isinstance(condition, Comparison)
    return condition.value


def test_faults_of_required_warnings_are_told_where_the_file_has_them() -> None:
    text = one_rule(rest="  warn:\n    before: [30d, soon]\n    requierd: true\n")

    assert faults(text) == [
        "rules.yaml:6: rule one, warn.before[1]: 'soon' is not a period; write years, months, "
        "weeks and days in this order, for example 7y, 6mo, 2w, 90d or 1y6mo",
        "rules.yaml:7: rule one, warn.requierd: unknown key 'requierd'. Did you mean 'required'? "
        "Keys: before, required, keep",
    ]


def test_reports_every_fault_at_once_with_its_line_and_what_was_meant() -> None:
    reported = faults(MANY_FAULTS)

    for line, words in EXPECTED:
        assert [fault for fault in reported if fault.startswith(f"rules.yaml:{line}: ")]
        assert any(f":{line}: " in fault and words in fault for fault in reported), (line, words)
    assert len(reported) == len(EXPECTED), "\n".join(reported)


def test_a_fault_names_the_rule_and_the_place_in_it() -> None:
    assert faults(MANY_FAULTS)[7].startswith("rules.yaml:10: rule Good-Rule, when.all[1].op: ")


def test_reads_a_bare_list_of_rules() -> None:
    file = load_rules(one_rule(), file="rules.yaml")

    assert [rule.name for rule in file.rules] == ["one"]
    assert file.organization is None
    assert file.metadata_fields == {}


def test_reads_json() -> None:
    text = (
        '{"organization": "acme", "metadata_fields": {"end": "date"}, "rules": [{"name": "one",'
        ' "trigger": {"type": "ON_SCHEDULE"}, "retain": {"for": "7y", "after": "metadata.end"}}]}'
    )

    file = load_rules(text, file="rules.json")

    assert file.organization == "acme"
    assert file.metadata_fields == {"end": MetadataType.DATE}
    assert file.rules[0].retain is not None


def test_declared_metadata_comes_from_the_catalogue_and_the_file() -> None:
    when = "{all: [{field: metadata.a, op: eq, value: x}, {field: metadata.b, op: gt, value: 1}]}"
    text = "metadata_fields: {b: int}\nrules:\n" + one_rule(when)

    file = load_rules(text, file="rules.yaml", metadata_types={"a": MetadataType.TEXT})

    assert isinstance(file.rules[0].when, AllOf)
    assert file.metadata_fields == {"b": MetadataType.INT}


def test_a_declaration_cannot_change_its_type() -> None:
    text = "metadata_fields: {a: int}\nrules: []"

    assert "declared as date already, here as int" in faults(text, a=MetadataType.DATE)[0]
    assert load_rules(text, file="x", metadata_types={"a": MetadataType.INT}).rules == ()


@pytest.mark.parametrize("word", ["NO", "no", "on", "off", "yes", "y", "n", "ON", "012a", "1:30"])
def test_words_that_yaml_1_1_takes_for_something_else_stay_text(word: str) -> None:
    assert loaded_value(f"{{field: title, op: eq, value: {word}}}") == word


def test_the_key_on_stays_a_word() -> None:
    assert "unknown key 'on'" in faults(one_rule(rest="  on: EXPIRATION\n"))[0]


def test_dates_stay_dates_and_quoted_numbers_text() -> None:
    day = loaded_value("{field: expires_on, op: before, value: 2026-01-31}")

    assert str(day) == "2026-01-31"
    assert loaded_value('{field: title, op: eq, value: "2026"}') == "2026"
    assert "put it in quotes" not in faults(one_rule("{field: size_bytes, op: gt, value: x}"))[0]
    assert 'write "2026" in quotes' in faults(one_rule("{field: title, op: eq, value: 2026}"))[0]


def test_a_hostile_value_is_only_a_value() -> None:
    hostile = "'; DROP TABLE documents; -- %(x)s {} \\ $$"
    quoted = hostile.replace("'", "''")

    assert loaded_value(f"{{field: title, op: eq, value: '{quoted}'}}") == hostile


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("{field: \"title; DROP TABLE documents\", op: eq, value: x}", "unknown field"),
        ("{field: d.title, op: eq, value: x}", "unknown field"),
        ("{field: \"metadata.a' = 'a\", op: eq, value: x}", "a metadata name is a letter"),
        ("{field: title, op: \"= 'x' OR true --\", value: x}", "unknown operator"),
        ("{field: size_bytes, op: eq, value: \"1 OR 1=1\"}", "not a whole number"),
        ("{field: created_on, op: older_than, value: \"1y'; --\"}", "is not a period"),
        ("{field: created_on, op: before, value: \"now()\"}", "is not a date"),
        ("{field: created_on, op: before, value: 20260131}", "is not a date"),
        ("{field: created_on, op: before, value: infinity}", "is not a date"),
        ("{field: title, op: in, value: []}", "needs a list of 1 to 1000"),
        ("{field: tags, op: has_any, value: x}", "needs a list of 1 to 1000"),
        ("{field: tags, op: has_any, value: [a, 1]}", "in quotes"),
        ("{field: tags, op: has_any, value: [a, null]}", "is not text"),
        ("{field: title, op: eq, value: null}", "eq needs a value"),
        ("{field: title, op: is_null, value: x}", "takes no value"),
        ("{field: title, op: contains, value: \"\"}", "true of every text"),
        ("{field: title, op: eq, value: \"a\\0b\"}", "NUL"),
        ("{field: title, op: lt, value: x}", "not for a field of type text"),
        ("{field: size_bytes, op: eq, value: 99999999999999999999}", "too large"),
        ("{field: status, op: eq, value: draft}", "rules look only at documents"),
        ("{field: [title], op: eq, value: x}", "unknown field"),
        ("{all: []}", "at least one condition"),
        ("{all: [{field: title, op: eq, value: x}], any: []}", "cannot stand beside"),
        ("{not: [{field: title, op: eq, value: x}]}", "is not a condition"),
        ("x", "is not a condition"),
    ],
)  # fmt: skip
def test_refuses_a_condition_outside_the_language(when: str, words: str) -> None:
    assert words in "\n".join(faults(one_rule(when)))


def test_caps_the_size_of_a_condition() -> None:
    leaf = "{field: title, op: eq, value: x}"

    deep = "{not: " * 8 + leaf + "}" * 8
    assert "nested at most 8 deep" in faults(one_rule(deep))[0]
    assert load_rules(one_rule("{not: " * 7 + leaf + "}" * 7), file="x")
    assert "at most 200 parts" in faults(one_rule(f"{{any: [{', '.join([leaf] * 200)}]}}"))[0]
    assert load_rules(one_rule(f"{{any: [{', '.join([leaf] * 199)}]}}"), file="x")
    values = ", ".join(["x"] * 1001)
    long_list = f"{{field: title, op: in, value: [{values}]}}"
    assert "1 to 1000 values" in faults(one_rule(long_list))[0]
    long_text = f"{{field: title, op: eq, value: {'x' * 1001}}}"
    assert "at most 1000" in faults(one_rule(long_text))[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is a list of rules, or a mapping"),
        ("5", "is a list of rules, or a mapping"),
        ("{}", "needs 'rules', a list"),
        ("rules: 5", "is a list of rules, or a mapping"),
        ("rulez: []", "Did you mean 'rules'?"),
        ("name: x\nrules: []", "begin it with '- '"),
        ("organization: A B\nrules: []", "slug"),
        ("metadata_fields: [a]\nrules: []", "needs a mapping"),
        ("- {a: [}", "not YAML"),
        ("\t- x", "not YAML"),
        ("- x: \x01", "not YAML"),
        ("- {name: a, name: b}", "'name' stands twice"),
        ("- !!python/object/apply:os.system [ls]", "tag"),
        ("- *nothing", "is not defined"),
        ("- &a [*a]", "refers to itself"),
        ("--- \n[]\n---\n[]", "a second document"),
        ("%YAML 1.1\n---\n[]", "YAML 1.2"),
        ("[" * 100_000, "nested more than 40"),
        ("- " * 500 + "x", "nested more than 40"),
        (" " * 1_000_001, "at most 1,000,000"),
        ("- {? [a, b] : c}", "cannot be a key"),
    ],
)
def test_refuses_a_file_that_is_no_rule_file(text: str, words: str) -> None:
    assert words in "\n".join(faults(text))


def test_aliases_repeat_but_do_not_multiply() -> None:
    rungs = "\n".join(
        f"  - &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]" for n in range(9)
    )
    shared = "- &base\n  name: one\n  trigger: &when {type: ON_SCHEDULE}\n  retain: &keep "
    shared += "{for: 1y, after: created_on}\n- {name: two, trigger: *when, retain: *keep}\n"

    assert "more than 100,000 values" in faults(f"rules:\n  - &a [x, x, x]\n{rungs}\n")[0]
    assert len(load_rules(shared, file="x").rules) == 2


def test_a_fault_under_an_alias_points_at_the_alias() -> None:
    text = "- {name: one, trigger: &t {type: ON_EVENT}, actions: []}\n- name: two\n  trigger: *t\n"

    assert [fault.split(":")[1] for fault in faults(text) if "needs 'event'" in fault] == ["1", "3"]


def test_the_published_examples_load_and_compile() -> None:
    file = load_rules(EXAMPLES.read_text(), file=EXAMPLES.name)

    assert len(file.rules) == 8
    for number, rule in enumerate(file.rules):
        assert rule.mode is Mode.SIMULATE
        version = RuleVersion(
            rule_id=number, version_id=number, version=1, created_at=RULE_MADE_AT, rule=rule
        )
        compiled = Compiler(
            rule_version=version,
            metadata_types=file.metadata_fields,
            time_zone="UTC",
            as_of=TODAY,
            prefix=f"r{number}",
        )
        assert compiled.hits(organization_id=1).text


def test_the_worked_example_of_the_documentation_loads() -> None:
    text = GUIDE.read_text().split("```yaml\n")[1].split("```")[0]

    file = load_rules(text, file="rules.md")

    assert [rule.name for rule in file.rules] == ["contracts-7y-after-end"]


def test_the_documentation_names_every_field_and_operator() -> None:
    text = GUIDE.read_text()

    for word in (*FIELDS, *Operator, *ActionType, *UncheckedRule.model_fields):
        assert f"`{word}`" in text, word


def test_examples_survive_the_round_trip() -> None:
    file = load_rules(EXAMPLES.read_text(), file=EXAMPLES.name)

    text = dump_rules(file)

    assert load_rules(text, file="again.yaml") == file
    assert dump_rules(load_rules(text, file="again.yaml")) == text


@settings(max_examples=150)
@given(st.lists(rules(), max_size=3, unique_by=lambda rule: rule.name))
def test_any_rule_survives_the_round_trip(some: list[Any]) -> None:
    declared = {
        "contract_end": MetadataType.DATE,
        "pages": MetadataType.INT,
        "country": MetadataType.TEXT,
    }
    file = RuleFile(rules=tuple(some), organization="acme", metadata_fields=declared)

    text = dump_rules(file)

    assert load_rules(text, file="x.yaml") == file
    assert dump_rules(load_rules(text, file="x.yaml")) == text


def found_faults(text: str) -> tuple[RuleFault, ...]:
    try:
        load_rules(text, file="x.yaml")
    except RuleFileError as error:
        return error.faults
    return ()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=300)
@given(rules(), st.data())
def test_whatever_is_broken_only_faults_are_raised(some: Any, data: st.DataObject) -> None:
    """Replace one value anywhere in a good rule: it loads, or RuleFileError says why not."""
    source = some.to_source()
    holder, steps = source, 0
    while steps < 8:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
            holder[key] = data.draw(JSON_VALUES)
            break
        holder, steps = holder[key], steps + 1
    text = write_yaml([source]) if data.draw(st.booleans()) else write_yaml(source)

    lines = [fault.line for fault in found_faults(text)]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@settings(max_examples=300)
@given(st.text(alphabet=st.sampled_from("ab:- {}[],&*!|>'\"#\n\t%?~1.<"), max_size=60))
def test_whatever_the_text_only_faults_are_raised(text: str) -> None:
    for fault in found_faults(text):
        assert fault.message


@pytest.mark.parametrize("wrong", ["for: 7", "for: 7years", "cutoff: end_of_week, for: 7y", ""])
def test_what_a_retention_counts_from_is_judged_beside_a_wrong_period(wrong: str) -> None:
    text = (
        "- name: one\n  trigger: {type: ON_SCHEDULE}\n"
        f"  retain: {{after: creatd_on, {wrong}}}\n  actions: [{{do: DELETE}}]\n"
    )

    with pytest.raises(RuleFileError) as refused:
        load_rules(text, file="rules.yaml")

    told = [fault.message for fault in refused.value.faults]
    assert len(told) == 2
    assert any("unknown date 'creatd_on'. Did you mean 'created_on'?" in one for one in told)
