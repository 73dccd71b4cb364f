"""doclife rules: files are checked, compared and applied; what a rule would do is shown."""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from doclife.cli import plan_pages
from doclife.cli.options import AsOf, Json, Limit, Organization
from doclife.cli.output import FAILED, Output, counted, fail, plain
from doclife.cli.session import Session, actor, session
from doclife.domain.expectation import expectation_json_schema
from doclife.domain.rule import Rule
from doclife.domain.rule_file import RuleFile, RuleFileError, load_rules
from doclife.domain.rule_schema import rule_json_schema
from doclife.errors import ConfigurationError
from doclife.lifecycle import ruling
from doclife.lifecycle.previewing import Preview, preview_rule
from doclife.store import rules, schedules

app = typer.Typer(no_args_is_help=True, help="Rules: validate, compare, apply, preview.")

RuleFilePath = Annotated[
    Path, typer.Argument(metavar="FILE", help="YAML or JSON.", exists=True, dir_okay=False)
]
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Check rule files and list every fault with its line. Needs no database.

    Exit code 1: at least one file has a fault.
    """
    output = Output(as_json=as_json)
    reports: list[dict[str, Any]] = []
    for file in files:
        try:
            rule_file = load_rules(_read(file), file=str(file))
            reports.append({"file": str(file), "rules": len(rule_file.rules), "faults": []})
        except RuleFileError as error:
            reports.append({"file": str(file), "rules": 0, "faults": list(error.faults)})
            if not as_json:
                fail(str(error))
    is_valid = not any(report["faults"] for report in reports)

    def people() -> None:
        for report in reports:
            if not report["faults"]:
                output.say(
                    f"{report['file']}: {counted(report['rules'], 'rule')}, no fault.",
                    style="green",
                )

    output.show({"valid": is_valid, "files": reports}, people=people)
    if not is_valid:
        raise typer.Exit(FAILED)


@app.command()
def apply(
    file: RuleFilePath,
    commit: Annotated[
        str | None, typer.Option(help="Commit the file is from, for the audit trail.")
    ] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Bring the rules of a file into force; a changed rule becomes a new version.

    Rules that the file does not name stay as they are. The file's own organization comes first.
    """
    with session(as_json=as_json, organization=organization) as s:
        changes = ruling.apply_rule_file(
            s.conn,
            text=_read(file),
            file=str(file),
            author=actor(),
            now=s.now(),
            organization=s.organization,
            commit=commit,
        )

        def people() -> None:
            _print_changes(s, changes)
            if any(change.kind is not ruling.ChangeKind.UNCHANGED for change in changes):
                s.output.say(
                    "They count from now on. Take it back by applying the file as it was before; "
                    "a new rule: doclife rules remove NAME. Look: doclife rules preview NAME",
                    style="dim",
                )

        s.output.show({"file": str(file), "changes": changes}, people=people)


@app.command()
def diff(file: RuleFilePath, organization: Organization = None, as_json: Json = False) -> None:
    """Show what applying a file would change."""
    with session(as_json=as_json, organization=organization) as s:
        changes = ruling.compare_rule_file(
            s.conn, text=_read(file), file=str(file), organization=s.organization
        )

        def people() -> None:
            for change in changes:
                if change.kind is ruling.ChangeKind.UNCHANGED:
                    continue
                for line in difflib.unified_diff(
                    (change.before or "").splitlines(),
                    change.after.splitlines(),
                    f"{change.name} in force" if change.before else "/dev/null",
                    f"{change.name} in {file}",
                    lineterm="",
                ):
                    s.output.say(line, style=DIFF_STYLES.get(line[:1], ""))
            _print_changes(s, changes)
            s.output.say(
                "What it makes of the documents: doclife rules impact NAME --file FILE",
                style="dim",
            )

        s.output.show({"file": str(file), "changes": changes}, people=people)


@app.command()
def export(organization: Organization = None, as_json: Json = False) -> None:
    """Print every rule in use as one canonical rule file, ready for git."""
    with session(as_json=as_json, organization=organization) as s:
        text = ruling.export_rules(s.conn, organization=s.organization)
        if as_json:
            s.output.show({"organization": s.organization, "yaml": text}, people=lambda: None)
        else:
            typer.echo(text, nl=False)


@app.command("list")
def list_(organization: Organization = None, as_json: Json = False) -> None:
    """List the rules in use, and when those with a cron of their own run next."""
    with session(as_json=as_json, organization=organization) as s:
        versions = rules.list_current(s.conn, s.tenant().id, with_off=True)
        next_runs = {
            schedule.rule_id: schedule.next_run_at
            for schedule in schedules.list_all(s.conn, organization=s.organization)
            if schedule.is_active
        }
        document = [
            {
                "name": version.rule.name,
                "version": version.version,
                "version_id": version.version_id,
                "created_at": version.created_at,
                "next_run_at": next_runs.get(version.rule_id),
                "rule": version.rule.to_document(),
            }
            for version in versions
        ]
        s.output.show(
            {"organization": s.organization, "rules": document},
            people=lambda: s.output.table(
                ("rule", "mode", "trigger", "next run", "retains", "actions", "grace", "priority"),
                [
                    (
                        f"{version.rule.name}@{version.version}",
                        str(version.rule.mode),
                        str(version.rule.trigger.event or version.rule.trigger.type),
                        next_runs.get(version.rule_id),
                        _retention(version.rule),
                        _actions(version.rule),
                        str(version.rule.grace) if version.rule.deletes else None,
                        version.rule.priority,
                    )
                    for version in versions
                ],
                empty=f"Organization {s.organization} has no rules. Bring some into force with: "
                "doclife rules apply FILE",
            ),
        )


@app.command()
def preview(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule.")],
    as_of: AsOf = None,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Preview the rule as this file has it, not applied."
        ),
    ] = None,
    limit: Limit = 20,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show what a rule would do at a moment, also a future one. Nothing is stored."""
    with session(as_json=as_json, organization=organization) as s:
        slug, rule = _rule(s, name, file)
        shown = preview_rule(
            s.conn,
            organization=slug,
            rule=rule,
            as_of=s.moment(as_of),
            now=s.now(),
            size=limit,
        )
        s.output.show({"organization": slug, **plain(shown)}, people=lambda: _print(s, shown))


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule.")],
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Take a rule out of use: it neither acts nor retains any more. Its history stays."""
    with session(as_json=as_json, organization=organization) as s:
        version = ruling.current_version(s.conn, organization=s.organization, name=name)
        ruling.remove_rule(
            s.conn, organization=s.organization, name=name, actor=s.actor, now=s.now()
        )

        def people() -> None:
            s.output.say(
                f"{name}@{version.version} is out of use"
                + ("; what it retained is not protected by it any more" * bool(version.rule.retain))
                + "."
            )
            s.output.say("Take it back with: doclife rules apply FILE", style="dim")

        s.output.show({"removed": name, "version": version.version}, people=people)


@app.command()
def schema(
    expectations: Annotated[
        bool, typer.Option("--expectations", help="Of files that test rules instead.")
    ] = False,
    _as_json: Json = True,
) -> None:
    """Print the JSON Schema of rule files, for editors; it is JSON in any case."""
    found = expectation_json_schema() if expectations else rule_json_schema()
    typer.echo(json.dumps(found, indent=2))


def _rule(s: Session, name: str, file: Path | None) -> tuple[str, Rule]:
    """Return the rule of that name, in force or as a file has it, and its organization."""
    if file is None:
        version = ruling.current_version(s.conn, organization=s.organization, name=name)
        return s.organization, version.rule
    rule_file = _load(s, file)
    for rule in rule_file.rules:
        if rule.name == name:
            return rule_file.organization or s.organization, rule
    known = ", ".join(rule.name for rule in rule_file.rules) or "none"
    raise ConfigurationError(f"{file} has no rule {name!r}. Rules: {known}.")


def _load(s: Session, file: Path) -> RuleFile:
    return ruling.load_file(s.conn, text=_read(file), file=str(file), organization=s.organization)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _print_changes(s: Session, changes: Sequence[ruling.RuleChange]) -> None:
    s.output.table(
        ("rule", "change"),
        [(f"{change.name}@{change.version}", str(change.kind)) for change in changes],
        empty="The file has no rules.",
    )


def _print(s: Session, shown: Preview) -> None:
    s.output.say(f"Rule {shown.rule} as of {shown.as_of:%Y-%m-%d %H:%M %Z}:", style="bold")
    plan_pages.print_counts(s, shown.counts)
    if shown.unknown_count:
        s.output.say(
            f"{counted(shown.unknown_count, 'document')} cannot be judged: a value is missing or "
            "malformed. "
            "What is unknown is kept.",
            style="yellow",
        )
    if shown.items:
        s.output.heading("The first documents, those longest due first")
        plan_pages.print_items(s, shown.items)
    s.output.say("Nothing was stored or done.", style="dim")


def _retention(rule: Rule) -> str | None:
    if rule.retain is None:
        return None
    cutoff = "" if rule.retain.cutoff == "none" else f", {rule.retain.cutoff}"
    return f"{rule.retain.for_} after {rule.retain.after}{cutoff}"


def _actions(rule: Rule) -> str:
    return ", ".join(
        str(action.do) + (f" after {action.after}" if action.after else "")
        for action in rule.actions
    )
