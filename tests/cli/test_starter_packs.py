"""The starter packs: they do what their expectations say, and only simulate."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doclife.domain.rule import Mode
from doclife.domain.rule_file import RuleFile, load_rules
from doclife.lifecycle.previewing import Preview, preview_rule
from doclife.store.connection import Connection
from local import samples
from local.state import ROOT, State

FOLDER = ROOT / "include" / "rules" / "packs"
PACKS = sorted(file for file in FOLDER.glob("*.yaml") if not file.name.endswith(".expect.yaml"))
PAGE = (ROOT / "docs" / "starter-packs.md").read_text(encoding="utf-8")
IGNORED = re.compile(r"# lint: ignore [\w, -]+ \(.{20,}\)")


def read(pack: Path) -> RuleFile:
    return load_rules(pack.read_text(encoding="utf-8"), file=pack.name)


def names(pack: Path) -> set[str]:
    return {rule.name for rule in read(pack).rules}


@pytest.fixture
def sample_catalogue(cli, tmp_path: Path) -> str:
    state = State(tmp_path / "local data")
    samples.load_samples(lambda command: cli(*command), state, today=datetime.now(UTC).date())
    return samples.ORGANIZATION


def test_there_are_packs_for_what_people_ask_for_first() -> None:
    assert {pack.stem for pack in PACKS} == {
        *("contracts", "gdpr-storage-limitation", "hgb-gobd", "hr-files", "invoices", "sox"),
    }


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.stem)
def test_a_pack_says_that_it_is_no_legal_advice_and_where_it_has_its_periods_from(
    pack: Path,
) -> None:
    text = pack.read_text(encoding="utf-8")

    assert "# NOT LEGAL ADVICE." in text
    assert "https://" in text
    acting = [rule for rule in read(pack).rules if rule.deletes or rule.retain]
    assert [rule.name for rule in acting if not rule.authority] == []


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.stem)
def test_nothing_in_a_pack_acts_before_somebody_has_read_it(pack: Path) -> None:
    rules = read(pack).rules

    assert {rule.mode for rule in rules} == {Mode.SIMULATE}
    assert [rule.name for rule in rules if rule.deletes and rule.grace.is_zero] == []
    assert [rule.name for rule in rules if rule.deletes and rule.limits.max_fraction > 0.1] == []


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.stem)
def test_the_expectations_of_a_pack_name_each_of_its_rules_that_deletes(pack: Path) -> None:
    expectations = pack.with_suffix(".expect.yaml").read_text(encoding="utf-8")

    deletes = [rule.name for rule in read(pack).rules if rule.deletes]
    assert [name for name in deletes if f"action: DELETE, rule: {name}}}" not in expectations] == []


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.stem)
def test_the_page_of_packs_names_every_rule(pack: Path) -> None:
    assert f"](../include/rules/packs/{pack.name})" in PAGE
    assert {name for name in names(pack) if f"`{name}`" not in PAGE} == set()


def test_the_packs_have_no_findings_alone_or_together(cli) -> None:
    for files in [*([pack] for pack in PACKS), PACKS]:
        assert cli.json("rules", "lint", *files) == {"clean": True, "findings": []}
    # Silenced findings have their reason written beside them.
    text = "".join(pack.read_text(encoding="utf-8") for pack in PACKS)
    assert text.count("lint: ignore") == len(IGNORED.findall(text))


def test_the_expectations_of_the_packs_are_met(cli) -> None:
    report = cli.json("rules", "test", FOLDER)

    assert [one for one in report["expectations"] if not one["passed"]] == []
    assert report["passed"] > 60
    assert {Path(one["file"]).name for one in report["expectations"]} == {
        f"{pack.stem}.expect.yaml" for pack in PACKS
    }


def previews(conn: Connection, organization: str) -> dict[str, Preview]:
    """What each rule of the packs would do now."""
    now = datetime.now(UTC)
    return {
        rule.name: preview_rule(conn, organization=organization, rule=rule, as_of=now, now=now)
        for pack in PACKS
        for rule in read(pack).rules
    }


def test_all_packs_may_be_in_force_together_over_an_empty_catalogue(cli, conn) -> None:
    for pack in PACKS:
        cli("rules", "apply", pack)

    known = {rule["name"] for rule in cli.json("rules", "list")["rules"]}
    assert known == set().union(*map(names, PACKS))
    found = previews(conn, "default")
    assert {name for name, each in found.items() if each.counts or each.unknown_count} == set()


def test_each_rule_is_previewed_over_the_sample_documents(cli, conn, sample_catalogue: str) -> None:
    for pack in PACKS:
        cli("rules", "apply", pack, "-o", sample_catalogue)

    found = previews(conn, sample_catalogue)

    # The samples have contracts with an end, and invoices of which nobody knows the country.
    assert found["contracts-6y-after-end"].not_due.documents > 0
    assert found["invoices-de-8y"].unknown_count > 0
    assert found["sox-audit-records-7y"].counts == []
