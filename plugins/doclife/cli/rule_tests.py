"""doclife rules test: expectations of rules, run in anyone's CI."""

import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree as Xml

import typer

from doclife.cli.options import Json
from doclife.cli.output import FAILED, counted, plain, printable
from doclife.cli.session import Session, session
from doclife.domain.expectation import SUFFIX, LocatedExpectations, load_expectations
from doclife.domain.fields import MetadataType
from doclife.domain.rule import Rule
from doclife.domain.rule_file import RuleFault, RuleFileError, load_rules
from doclife.errors import ConfigurationError
from doclife.lifecycle.rule_testing import Result, RuleSet, check_expectations

MARKS = {True: ("PASS", "green"), False: ("FAIL", "red")}


def add_to(app: typer.Typer) -> None:
    """Let ``doclife rules`` have the command."""
    app.command("test")(run_tests)


def run_tests(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", exists=True, help=f"Files, or folders with *{SUFFIX} in them."
        ),
    ],
    junit: Annotated[
        Path | None, typer.Option(help="Also write a JUnit report here.", dir_okay=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Check rule files against their expectations, and say what is otherwise and why.

    The documents of a test are registered in a migrated database, the night is planned by the
    functions that plan every night, and all of it is rolled back. Exit code 1: something is
    otherwise than expected, or a file has a fault.
    """
    started = time.monotonic()
    with session(as_json=as_json) as s:
        loaded = _load(paths)
        results = [
            result
            for expectations, rule_set in loaded
            for result in check_expectations(
                s.conn,
                expectations=expectations,
                rule_set=rule_set,
                slug=f"rules-test-{secrets.token_hex(6)}",
                now=s.now(),
            )
        ]
        seconds = time.monotonic() - started
        if junit is not None:
            junit.write_bytes(_junit(results, seconds))
        failed = sum(not result.is_met for result in results)
        s.output.show(
            {
                "passed": len(results) - failed,
                "failed": failed,
                "seconds": round(seconds, 2),
                "expectations": [{**plain(result), "passed": result.is_met} for result in results],
            },
            people=lambda: _print(s, results, seconds),
        )
    if failed:
        raise typer.Exit(FAILED)


def _load(paths: Sequence[Path]) -> list[tuple[LocatedExpectations, RuleSet]]:
    """Read every file of expectations and the rules it is about, or refuse with every fault."""
    loaded = []
    faults: list[RuleFault] = []
    for file in _files(paths):
        try:
            expectations = load_expectations(file.read_text(encoding="utf-8"), file=str(file))
            loaded.append((expectations, _rules(file, expectations)))
        except RuleFileError as error:
            faults += error.faults
    if faults:
        raise RuleFileError(faults)
    return loaded


def _files(paths: Sequence[Path]) -> list[Path]:
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path])
    ]
    if not files:
        folders = ", ".join(map(str, paths))
        raise ConfigurationError(f"no file *{SUFFIX} in {folders}: there is nothing to test.")
    return files


def _rules(file: Path, expectations: LocatedExpectations) -> RuleSet:
    """Read the rule files of one file of expectations; together they are one set."""
    named = expectations.content.rules
    if not named and not file.name.endswith(SUFFIX):
        raise ConfigurationError(
            f"{file} names no rule files: write 'rules: contracts.yaml', or call the file "
            f"contracts{SUFFIX}."
        )
    places = [file.parent / name for name in named]
    places = places or [file.with_name(file.name.removesuffix(SUFFIX) + ".yaml")]
    rules: list[Rule] = []
    types: dict[str, MetadataType] = {}
    for place in places:
        if not place.is_file():
            raise ConfigurationError(f"{file} tests the rules in {place}, which is not a file.")
        read = load_rules(place.read_text(encoding="utf-8"), file=str(place), metadata_types=types)
        rules += read.rules
        types |= read.metadata_fields
    twice = sorted({one.name for one in rules if [each.name for each in rules].count(one.name) > 1})
    if twice:
        raise ConfigurationError(f"{file}: rule {twice[0]} is in more than one of its rule files.")
    return RuleSet(rules=tuple(rules), metadata_types=types)


def _print(s: Session, results: Sequence[Result], seconds: float) -> None:
    by_file: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        by_file[result.file][result.case].append(result)
    for file, cases in by_file.items():
        s.output.heading(file)
        for case, found in cases.items():
            word, style = MARKS[all(result.is_met for result in found)]
            s.output.say(f"  {word}  {printable(case)}", style=style)
            for result in found:
                for difference in result.differences:
                    s.output.say(
                        f"        {result.file}:{result.line}: {printable(result.document)} on "
                        f"{result.as_of}: {printable(difference)}"
                    )
    failed = sum(not result.is_met for result in results)
    tally = counted(len(results), "expectation")
    told = f"{tally}, {failed} not met" if failed else f"{tally}, all met"
    s.output.say(f"\n{told}, in {seconds:.1f} s. Nothing was stored.", style=MARKS[not failed][1])


def _junit(results: Sequence[Result], seconds: float) -> bytes:
    """A report as CI servers read it: a suite per file, a test case per expectation."""
    root = Xml.Element("testsuites", name="doclife rules test", time=f"{seconds:.3f}")
    suites: dict[str, Xml.Element] = {}
    for result in results:
        if result.file not in suites:
            suites[result.file] = Xml.SubElement(root, "testsuite", name=result.file)
        one = Xml.SubElement(
            suites[result.file],
            "testcase",
            classname=printable(result.case),
            name=printable(f"{result.document} on {result.as_of}"),
            file=result.file,
            line=str(result.line),
        )
        if not result.is_met:
            told = [printable(difference) for difference in result.differences]
            Xml.SubElement(one, "failure", message=told[0]).text = "\n".join(told)
    for element in (root, *suites.values()):
        cases = element.findall(".//testcase")
        element.set("tests", str(len(cases)))
        element.set("failures", str(len(element.findall(".//failure"))))
    report: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return report
