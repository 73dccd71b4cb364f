"""doclife rules lint: what is valid in rules and yet probably not meant."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from doclife.cli.options import Json, Organization
from doclife.cli.output import FAILED, Output, counted, printable
from doclife.cli.session import session
from doclife.domain.lint_file import LintedFile, LocatedFinding, locate, read_for_lint
from doclife.domain.lint_finding import Severity
from doclife.domain.rule_file import RuleFault, RuleFileError
from doclife.domain.rule_set_lint import lint_rules
from doclife.lifecycle.rule_linting import lint_against_catalogue

STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def add_to(app: typer.Typer) -> None:
    """Let ``doclife rules`` have the command."""
    app.command("lint")(lint)


def lint(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False)],
    against_catalogue: Annotated[
        bool,
        typer.Option(
            "--against-catalogue",
            help="Also ask the database: the rules in force, and what documents really have.",
        ),
    ] = False,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Find what is valid in rules and yet probably not meant; the files are one set of rules.

    Needs no database unless asked to. Exit code 1: an error or a warning was found, or a file has
    a fault. A comment in the rule silences a code: # lint: ignore CODE (the reason)
    """
    texts = [(str(file), file.read_text(encoding="utf-8")) for file in files]
    if against_catalogue:
        with session(as_json=as_json, organization=organization) as s:
            found = lint_against_catalogue(
                s.conn, texts=texts, organization=s.organization, now=s.now()
            )
    else:
        found = _lint(texts)
    is_clean = all(one.finding.severity is Severity.INFO for one in found)
    output = Output(as_json=as_json)
    output.show(
        {
            "clean": is_clean,
            "findings": [{"file": one.file, "line": one.line, **_document(one)} for one in found],
        },
        people=lambda: _print(output, found, len(files)),
    )
    if not is_clean:
        raise typer.Exit(FAILED)


def _lint(texts: Sequence[tuple[str, str]]) -> list[LocatedFinding]:
    """Lint files without a database, or refuse with the faults of all of them."""
    linted = []
    faults: list[RuleFault] = []
    for file, text in texts:
        try:
            linted.append(read_for_lint(text, file=file))
        except RuleFileError as error:
            faults += error.faults
    if faults:
        raise RuleFileError(faults)
    by_organization: dict[str | None, list[LintedFile]] = {}
    for one in linted:
        by_organization.setdefault(one.content.organization, []).append(one)
    return [
        found
        for together in by_organization.values()
        for found in locate(together, lint_rules([r for one in together for r in one.rules]))
    ]


def _document(located: LocatedFinding) -> dict[str, object]:
    one = located.finding
    return {
        "code": one.code,
        "severity": one.severity,
        "rule": one.rule,
        "what": one.what,
        "why": one.why,
        "fix": one.fix,
    }


def _print(output: Output, found: Sequence[LocatedFinding], files: int) -> None:
    for located in found:
        one = located.finding
        output.say(
            f"{located.file}:{located.line}: {one.severity} {one.code}",
            style=STYLES[one.severity],
        )
        output.say(printable(f"  rule {one.rule}: {one.what}"))
        output.say(printable(f"  {one.why}"), style="dim")
        output.say(printable(f"  {one.fix}"), style="dim")
    tally = Counter(located.finding.severity for located in found)
    told = ", ".join(counted(tally[kind], kind.value) for kind in Severity if tally[kind])
    output.say(
        f"{counted(files, 'file')}: {told or 'nothing found'}", style="" if told else "green"
    )
