"""doclife plans: what is to be done, to which documents and why; applied and taken back."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from doclife.cli import erasure, plan_pages, review_pages
from doclife.cli.options import AsOf, EveryOrganization, Json, Limit, Organization, RunId, Yes
from doclife.cli.output import PARTLY_DONE, counted, warn
from doclife.cli.progress import PlanProgressBar
from doclife.cli.restoring import RestoreProgressBar, left_alone_for, print_unrestored
from doclife.cli.session import DAG_ID, Session, confirm, session
from doclife.domain.actions import ActionType
from doclife.domain.plan import PlanKind, PlanState, PlanSummary
from doclife.domain.rule import Mode
from doclife.errors import ConfigurationError
from doclife.lifecycle import applying, planning, planning_again, ruling, undo
from doclife.lifecycle.documents import find_document_ids
from doclife.lifecycle.settling import Settled, settle
from doclife.store import decisions, organizations, reviews, stored_plans

app = typer.Typer(no_args_is_help=True, help="Plans: create, look, apply, undo.")


class PlanMode(StrEnum):
    """How a plan may be made; a rule may also be off."""

    SIMULATE = Mode.SIMULATE.value
    ENFORCE = Mode.ENFORCE.value


OPEN_STATES = (PlanState.PLANNED, PlanState.APPROVED, PlanState.APPLYING)
PlanId = Annotated[int, typer.Argument(metavar="ID", help="Number of the plan.")]


@app.command("list")
def list_(
    state: Annotated[
        str | None,
        typer.Option(
            help="planned, needs_approval, approved, applying, applied, undone, superseded, ..."
        ),
    ] = None,
    before: Annotated[int | None, typer.Option(metavar="ID", help="Only older plans.")] = None,
    limit: Limit = 50,
    organization: EveryOrganization = None,
    as_json: Json = False,
) -> None:
    """List plans, the newest first."""
    with session(as_json=as_json) as s:
        if organization is not None:
            organizations.find(s.conn, organization)
        found = stored_plans.list_plans(
            s.conn, organization=organization, state=state, before=before, size=limit
        )
        s.output.show(
            {"plans": found},
            people=lambda: plan_pages.print_list(s, found, every_organization=organization is None),
        )


@app.command()
def show(
    plan_id: PlanId,
    items: Annotated[bool, typer.Option("--items", help="Also its documents.")] = False,
    state: Annotated[
        str | None, typer.Option(help="Only items that are planned, done, skipped, failed, undone.")
    ] = None,
    after: Annotated[
        int, typer.Option(metavar="DOCUMENT_ID", help="Go on after this document.")
    ] = 0,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Show one plan: who asked, what it would do or has done, and what kept documents out of it."""
    with session(as_json=as_json) as s:
        plan = _find(s, plan_id)
        counts = stored_plans.count_items(s.conn, plan_id)
        page = stored_plans.list_items(s.conn, plan_id, after=after, state=state, size=limit)
        asked = reviews.list_of_plan(s.conn, plan_id)
        decided = decisions.list_of_plan(s.conn, plan_id)
        document = {"plan": plan, "counts": counts, "reviews": asked, "decisions": decided}

        def people() -> None:
            plan_pages.print_plan(s, plan, counts, page if items else None)
            review_pages.print_reviews(s, plan, asked, decided)

        s.output.show(document | ({"items": page} if items else {}), people=people)


@app.command()
def create(
    rule: Annotated[str | None, typer.Option(help="Plan this rule.")] = None,
    due: Annotated[
        bool, typer.Option("--due", help="Plan every rule that is due, as the night does.")
    ] = False,
    action: Annotated[
        ActionType | None,
        typer.Option(case_sensitive=False, help="Plan this for the documents you name."),
    ] = None,
    documents: Annotated[
        list[str] | None,
        typer.Option("--documents", "--document", metavar="EXTERNAL_ID...", help="With --action."),
    ] = None,
    more_documents: Annotated[
        list[str] | None, typer.Argument(metavar="[EXTERNAL_ID...]", hidden=True)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="KEY=VALUE",
            help="With --action: a setting as under 'with:' in a rule, e.g. to=records@example.org",
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="With --action: why.")] = None,
    purges: Annotated[
        bool,
        typer.Option("--purges", help="Plan the purge of what is past grace, everywhere."),
    ] = False,
    how: Annotated[
        PlanMode | None,
        typer.Option(
            "--mode", help="simulate only looks; a rule that simulates is never enforced here."
        ),
    ] = None,
    as_of: AsOf = None,
    organization: Organization = None,
    run_id: RunId = None,
    as_json: Json = False,
) -> None:
    """Decide what is to be done and store it. Nothing is done before the plan is applied.

    Exactly one of --rule, --due, --action or --purges. Every plan is judged against the retention
    of all rules, legal holds and limits; what kept a document out of it is stored too.
    """
    mode = None if how is None else Mode(how.value)
    named = [*(documents or []), *(more_documents or [])]
    chosen = [rule is not None, due, action is not None, purges]
    if sum(chosen) != 1:
        raise typer.BadParameter(
            "give exactly one of --rule NAME, --due, --action ACTION or --purges",
            param_hint="create",
        )
    if (action is None) != (not named) or (action is not None and not reason):
        raise typer.BadParameter(
            "--action, --documents and --reason belong together", param_hint="create"
        )
    if purges and as_of is not None:
        raise typer.BadParameter("grace is judged against the present", param_hint="--as-of")
    with session(as_json=as_json, organization=organization, run_id=run_id) as s:
        if action is not None:
            made = [
                _plan_selection(
                    s,
                    action=action,
                    named=named,
                    settings=settings or [],
                    reason=reason or "",
                    mode=mode,
                    as_of=as_of,
                )
            ]
        else:
            made = _plan_rules(s, rule=rule, purges=purges, mode=mode, as_of=as_of)
        s.output.show(
            {"run_id": s.run_id, "plans": made},
            people=lambda: plan_pages.print_made(s, made),
        )


@app.command()
def again(
    plan_id: PlanId,
    reason: Annotated[str, typer.Option(help="Why; kept with each document.")],
    run_id: RunId = None,
    as_json: Json = False,
) -> None:
    """Plan once more what a plan of chosen documents failed on: the same action and settings.

    They are judged anew, and nothing is done before the new plan is applied. What a rule failed on
    is due again when the rule runs next.
    """
    with session(as_json=as_json, run_id=run_id) as s:
        made = planning_again.plan_failed_again(
            s.conn,
            plan_id=plan_id,
            now=s.now(),
            dag_id=DAG_ID,
            run_id=s.run_id,
            requested_by=s.actor,
            reason=reason,
        )
        s.output.show(
            {"run_id": s.run_id, "plans": [made]},
            people=lambda: plan_pages.print_made(s, [made]),
        )


def _plan_selection(
    s: Session,
    *,
    action: ActionType,
    named: Sequence[str],
    settings: Sequence[str],
    reason: str,
    mode: Mode | None,
    as_of: str | None,
) -> PlanSummary:
    return planning.plan_selection(
        s.conn,
        organization=s.organization,
        action=action,
        document_ids=find_document_ids(
            s.conn, organization=s.organization, external_ids=list(named)
        ),
        now=s.now(),
        as_of=s.moment(as_of),
        dag_id=DAG_ID,
        run_id=s.run_id,
        requested_by=s.actor,
        reason=reason,
        mode=mode or Mode.ENFORCE,
        options=_settings(settings),
    )


def _plan_rules(
    s: Session, *, rule: str | None, purges: bool, mode: Mode | None, as_of: str | None
) -> list[PlanSummary]:
    if rule is not None:
        version = ruling.current_version(s.conn, organization=s.organization, name=rule)
        return [
            planning.plan_rule(
                s.conn,
                rule_version_id=version.version_id,
                now=s.now(),
                as_of=s.moment(as_of),
                dag_id=DAG_ID,
                run_id=s.run_id,
                requested_by=s.actor,
                mode=mode,
            )
        ]
    if purges:
        return planning.plan_purges(
            s.conn,
            now=s.now(),
            dag_id=DAG_ID,
            run_id=s.run_id,
            requested_by=s.actor,
            mode=mode or Mode.ENFORCE,
        )
    return planning.plan_due_rules(
        s.conn,
        now=s.now(),
        as_of=s.moment(as_of),
        dag_id=DAG_ID,
        run_id=s.run_id,
        requested_by=s.actor,
        organization=s.organization,
        mode=mode,
    )


@app.command()
def apply(plan_id: PlanId, yes: Yes = False, as_json: Json = False) -> None:
    """Do what a plan says, or go on where it stopped. Every document is judged again first.

    Exit code 3: some documents failed, and the plan says why; or what follows a purge could not all
    be done yet.
    """
    with session(as_json=as_json) as s:
        # One that cannot be applied is refused with its reason, not with a question.
        if _find(s, plan_id)["state"] in OPEN_STATES:
            question = plan_pages.question(plan_id, stored_plans.count_items(s.conn, plan_id))
            if question is not None:
                confirm(question, yes=yes)
        with PlanProgressBar(s.settings.require_database(), plan_id=plan_id):
            outcome = applying.apply_plan(
                s.conn,
                plan_id=plan_id,
                now=s.now,
                actor=s.actor,
                stores=s.stores(),
                links=s.links(),
            )
        plan = _find(s, plan_id)
        counts = stored_plans.count_items(s.conn, plan_id)
        settled = _settled(s, plan)

        def people() -> None:
            plan_pages.print_applied(s, plan, outcome, counts)
            if settled is not None:
                erasure.print_settled(s, settled)

        s.output.show(
            {"plan": plan, "outcome": outcome, "counts": counts, "settled": settled}, people=people
        )
        for fault in settled.faults if settled else ():
            warn(fault)
    if outcome.failed or (settled is not None and settled.faults):
        raise typer.Exit(PARTLY_DONE)


def _settled(s: Session, plan: Mapping[str, Any]) -> Settled | None:
    """Do what follows a plan that destroyed, at once; None for all others."""
    if plan["kind"] not in (PlanKind.PURGE, PlanKind.ERASURE):
        return None
    return settle(
        s.conn, stores=s.stores(), now=s.now, dag_id=DAG_ID, run_id=s.run_id, actor=s.actor
    )


@app.command("undo")
def undo_(plan_id: PlanId, as_json: Json = False) -> None:
    """Take back what a plan archived or deleted while it is in grace. What was sent stays sent.

    Possible until a purge begins: that is the only point of no return. Bytes in a cold store are
    asked for, and a later nightly run goes on with the undo. Safe to call again, and asks nothing:
    no document is lost by it.

    Exit code 3: some could not be brought back, or not yet; each is listed with its reason. Or
    none could, because something else has happened to all of them.
    """
    with session(as_json=as_json) as s:
        plan = _find(s, plan_id)
        with RestoreProgressBar(plan["document_count"]) as bar:
            outcome = undo.undo_plan(
                s.conn,
                plan_id=plan_id,
                now=s.now(),
                actor=s.actor,
                stores=s.stores(),
                progress=bar.show,
            )
        reprieve_days = plan["reprieve_days"]

        def people() -> None:
            left_alone = left_alone_for(reprieve_days) * bool(outcome.undone)
            s.output.say(
                f"Plan {plan_id}: {counted(outcome.undone, 'document')} brought back{left_alone}."
            )
            if outcome.skipped:
                s.output.say(
                    f"{outcome.skipped:,} left as they are: something else has happened to them "
                    "since. See: doclife documents show EXTERNAL_ID"
                )
            print_unrestored(s, outcome)

        s.output.show({"plan_id": plan_id, "outcome": outcome}, people=people)
    if not outcome.is_complete or (outcome.skipped and not outcome.undone):
        raise typer.Exit(PARTLY_DONE)


def _find(s: Session, plan_id: int) -> dict[str, Any]:
    plan = stored_plans.find(s.conn, plan_id)
    if plan is None:
        raise ConfigurationError(f"there is no plan {plan_id}. See: doclife plans list")
    return plan


def _settings(texts: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not key or not separator:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--with")
        found[key] = {"true": True, "false": False}.get(value, value)
    return found
