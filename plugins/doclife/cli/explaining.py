"""doclife documents explain: why a document is still here, or why it is gone."""

from typing import Annotated

import typer
from rich.text import Text

from doclife.cli.options import AsOf, Json, Organization
from doclife.cli.session import Session, session
from doclife.domain.explanation import ActionVerdict, Explanation, Predicate, RuleExplanation
from doclife.domain.explanation_words import VerdictKind, clock_words, verdict_of, why_words
from doclife.domain.rule import Mode
from doclife.lifecycle.explaining import explain_document

VERDICT_STYLES = {
    VerdictKind.WINS: "bold",
    VerdictKind.SIMULATED: "yellow",
    VerdictKind.STOPPED: "yellow",
    VerdictKind.QUIET: "dim",
}
STOPPING = ("doclife documents hold", "doclife halt on", "doclife limits show")
"""The commands that stop something, or show what would."""
ANSWERS = {True: ("true", "green"), False: ("false", "red"), None: ("unknown", "yellow")}


def add_to(documents: typer.Typer) -> None:
    """Add the command to those about documents."""
    documents.command("explain")(explain)


def explain(
    external_id: Annotated[
        str, typer.Argument(metavar="EXTERNAL_ID", help="As its application says.")
    ],
    as_of: AsOf = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Say why a document is still here or gone: every rule, who wins, what comes next and when.

    The first line is the answer. Nothing is stored or done.
    """
    with session(as_json=as_json, organization=organization) as s:
        found = explain_document(
            s.conn,
            organization=s.organization,
            external_id=external_id,
            as_of=s.moment(as_of),
            now=s.now(),
        )
        s.output.show(found, people=lambda: _print(s, found))


def _print(s: Session, found: Explanation) -> None:
    s.output.say(found.answer, style="bold")
    if found.is_ahead:
        s.output.say(
            f"Judged as if {found.today} had come. Facts, holds, reprieve and open plans are those "
            "of the present.",
            style="yellow",
        )
    s.output.say("")
    s.output.facts(_facts(found))
    if found.could_stop_it:
        s.output.heading("What could still stop it")
        for way in found.could_stop_it:
            s.output.say(f"  {way}")
        s.output.say(f"  With: {', '.join(STOPPING)}", style="dim")
    if found.holds:
        s.output.heading("Legal holds")
        s.output.table(
            ("matter", "reason", "since"),
            [(hold.matter, hold.reason, hold.since) for hold in found.holds],
            empty="",
        )
    if found.claims:
        s.output.heading("Open plans")
        s.output.table(
            ("plan", "of", "action", "state", "why it waits"),
            [
                (str(one.plan_id), one.rule or one.kind, one.action, one.state, one.approval_reason)
                for one in found.claims
            ],
            empty="",
        )
    for rule in found.rules:
        _print_rule(s, rule)
    if not found.rules:
        s.output.heading("Rules")
        s.output.say("The organization has none.", style="dim")
    if found.deeds:
        s.output.heading("What plans have done")
        s.output.table(
            ("when", "plan", "of", "action", "outcome", "why", "approved by"),
            [
                (
                    deed.finished_at,
                    str(deed.plan_id),
                    deed.rule or deed.requested_by,
                    deed.action,
                    deed.state,
                    deed.reason,
                    deed.approved_by,
                )
                for deed in found.deeds
            ],
            empty="",
        )
    if found.warnings:
        s.output.heading("Warnings sent")
        s.output.table(
            ("when", "rule", "of the day", "days before", "to", "state"),
            [
                (
                    one.created_at,
                    one.rule,
                    one.due_on,
                    one.window_days,
                    one.recipient,
                    one.state,
                )
                for one in found.warnings
            ],
            empty="",
        )


def _facts(found: Explanation) -> dict[str, object]:
    step = found.next_step
    warnings = [
        f"{rule.next_warning_on} ({rule.label})" for rule in found.rules if rule.next_warning_on
    ]
    return {
        "document": found.external_id,
        "title": found.title,
        "status": found.status,
        "next": None
        if step is None
        else f"{step.action} {'on ' + str(step.on) if step.on else 'some day'}"
        + (f" by {step.rule}" if step.rule else "")
        + f": {step.why}",
        "next warning": ", ".join(warnings) or None,
        "retained until": found.protected_until,
        "reprieve until": found.reprieve_until,
        "cooling off until": found.cooling_off_until,
        "halted": found.halt,
        "purge after": found.purge_after,
    }


def _print_rule(s: Session, rule: RuleExplanation) -> None:
    mode = {
        Mode.OFF: ", off: it neither acts nor retains",
        Mode.SIMULATE: ", only simulates: it retains but does not act",
        Mode.ENFORCE: "",
    }[rule.mode]
    authority = f", {rule.authority}" if rule.authority else ""
    s.output.heading(f"Rule {rule.label}{mode}{authority}")
    met, style = {
        True: ("selects it", "green"),
        False: ("does not select it", "dim"),
        None: ("unknown whether it selects it: kept", "yellow"),
    }[rule.is_met]
    s.output.say(f"  {met}", style=style)
    if rule.predicates:
        s.output.table(
            ("  condition", "field", "value", "operator", "required", "is"),
            [_predicate(one) for one in rule.predicates],
            empty="",
        )
    if rule.clock is not None:
        s.output.say(f"  {clock_words(rule)}")
    if rule.actions:
        s.output.table(
            ("  action", "due on", "verdict", "why"),
            [
                (f"  {one.action}", one.due_on, _verdict(rule, one), why_words(rule, one))
                for one in rule.actions
            ],
            empty="",
        )


def _predicate(one: Predicate) -> tuple[object, ...]:
    word, style = ANSWERS[one.is_met]
    return (
        f"  {one.path or 'when'}",
        one.field,
        one.actual,
        one.operator,
        one.required,
        Text(word, style=style),
    )


def _verdict(rule: RuleExplanation, one: ActionVerdict) -> Text:
    verdict = verdict_of(rule, one)
    return Text(verdict.words, style=VERDICT_STYLES[verdict.kind])
