"""What is done to a rule as a whole: switched, taken out of use, run now."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Query, Response

from doclife.dashboard import airflow_api
from doclife.dashboard.access import Deed
from doclife.dashboard.airflow_api import AirflowRefused
from doclife.dashboard.gate import needs
from doclife.dashboard.rules import looking, wording
from doclife.dashboard.rules.showing import find
from doclife.dashboard.visit import Here, Visit
from doclife.domain.compiler import RuleVersion
from doclife.domain.rule import Mode
from doclife.domain.text import text_fault
from doclife.errors import RefusedError
from doclife.lifecycle.editing_rules import switch_mode
from doclife.lifecycle.ruling import remove_rule
from doclife.store import stored_plans

router = APIRouter()
RUN_DAG = "run_rule"
RUN_STATES = {
    "queued": "The run waits in Airflow's queue: the scheduler starts it as soon as it has room.",
    "running": "The run has begun: Airflow is starting its task, which then judges the documents.",
    "failed": "The run failed, and there is no plan. Its log in Airflow says why.",
    "success": "The run has ended and stored no plan.",
}
"""What a run without a plan waits for, by its state in Airflow."""


@router.get("/rules/{name}/mode", dependencies=[needs(Deed.EDIT)])
def ask_mode(here: Here, name: str, to: Annotated[Mode, Query()]) -> Response:
    """Ask whether to switch, with what it would do tonight."""
    version = find(here, name)
    return here.page(
        "rules/mode.html.j2",
        version=version,
        rule=version.rule,
        to=to,
        look=None if to is Mode.OFF else looking.look_at(here, version.rule, as_of=None),
        difference=looking.compare(here, before=version, after=None, as_of=None)
        if to is Mode.OFF
        else None,
        words=wording,
    )


@router.post("/rules/{name}/mode", dependencies=[needs(Deed.EDIT)])
def switch(
    here: Here, name: str, to: Annotated[Mode, Form()], based_on: Annotated[int, Form()]
) -> Response:
    """Let a rule be off, simulate or enforce."""
    find(here, name)
    change = switch_mode(
        here.conn,
        organization=here.tenant.slug,
        name=name,
        mode=to,
        based_on=based_on,
        author=here.actor,
        now=here.now,
    )
    return here.redirect(
        f"rules/{name}", flash=f"Rule {name} is now {to}, as version {change.version}."
    )


@router.get("/rules/{name}/delete", dependencies=[needs(Deed.EDIT)])
def ask_delete(here: Here, name: str) -> Response:
    """Explain what goes with a rule, and ask."""
    version = find(here, name)
    return here.page(
        "rules/delete.html.j2",
        version=version,
        rule=version.rule,
        difference=looking.compare(here, before=version, after=None, as_of=None),
        words=wording,
    )


@router.post("/rules/{name}/delete", dependencies=[needs(Deed.EDIT)])
def delete(here: Here, name: str, word: Annotated[str, Form()] = "") -> Response:
    """Take a rule out of use; its versions and its history stay."""
    version = find(here, name)
    if word.strip() != name:
        raise RefusedError(f"Nothing was done: to take {name} out of use, type its name.")
    remove_rule(here.conn, organization=here.tenant.slug, name=name, actor=here.actor, now=here.now)
    return here.redirect(
        "rules",
        flash=f"Rule {name}@{version.version} is out of use. Its versions and its history stay.",
    )


@router.get("/rules/{name}/run", dependencies=[needs(Deed.RUN)])
def ask_run(here: Here, name: str) -> Response:
    """Show what running a rule now would do, and ask: simulate or enforce."""
    version = find(here, name)
    return here.page(
        "rules/run.html.j2",
        version=version,
        rule=version.rule,
        look=looking.look_at(here, version.rule, as_of=None),
        words=wording,
    )


@router.post("/rules/{name}/run", dependencies=[needs(Deed.RUN)])
def run(here: Here, name: str, mode: Annotated[str, Form()]) -> Response:
    """Let Airflow run the rule now, on behalf of whoever asks."""
    run_id = start_run(here, find(here, name), mode=mode)
    return here.redirect("runs/run_rule", run_id=run_id)


@router.get("/runs/run_rule")
def show_run(here: Here, run_id: Annotated[str, Query(max_length=250)]) -> Response:
    """Show the plan that a run has made; wait for it where it is not there yet."""
    plan_id = _plan_of(here, run_id)
    if plan_id is not None:
        return here.redirect(f"plans/{plan_id}")
    return here.page(
        "rules/running.html.j2", run_id=run_id, plan_id=None, waits=_waits(here, run_id)
    )


@router.get("/runs/run_rule/state")
def run_state(here: Here, run_id: Annotated[str, Query(max_length=250)]) -> Response:
    """Return whether the plan of a run is there, for the page that waits."""
    plan_id = _plan_of(here, run_id)
    waits = _waits(here, run_id) if plan_id is None else ""
    return here.partial("rules/run_state.html.j2", run_id=run_id, plan_id=plan_id, waits=waits)


def _waits(here: Visit, run_id: str) -> str:
    """Say what the plan of a run waits for, as far as Airflow tells."""
    try:
        found = airflow_api.call(
            here, "GET", f"/api/v2/dags/{RUN_DAG}/dagRuns/{quote(run_id, safe='')}"
        )
    except AirflowRefused:
        return "Airflow does not know the run."
    return RUN_STATES.get(found["state"], f"Airflow says that the run is {found['state']}.")


def _plan_of(here: Visit, run_id: str) -> int | None:
    if text_fault(run_id) is not None:
        raise HTTPException(404, "There is no such run")
    plans = stored_plans.find_by_run(
        here.conn, here.tenant.id, dag_id=RUN_DAG, run_id=run_id, size=1
    )
    return plans[0] if plans else None


def start_run(here: Visit, version: RuleVersion, *, mode: str, run_id: str | None = None) -> str:
    """Trigger ``run_rule`` as the person who asks, and return the name of the run.

    :param run_id: what to call it, where the same request may come twice: a run that has the name
        already is the one. None for a name of Airflow's.
    :raises RefusedError: the rule is off, or may not be enforced.
    """
    rule = version.rule
    if mode not in (Mode.SIMULATE, Mode.ENFORCE):
        raise HTTPException(422, "The mode of a run is simulate or enforce")
    if mode == Mode.ENFORCE and rule.mode is not Mode.ENFORCE:
        raise RefusedError(
            f"rule {rule.name} is in mode {rule.mode}; to act with it, switch it to enforce first."
        )
    asked: dict[str, Any] = {
        "logical_date": None,
        "conf": {"rule": rule.name, "organization": here.tenant.slug, "mode": mode},
    }
    if run_id is not None:
        asked["dag_run_id"] = run_id
    try:
        answer = airflow_api.call(here, "POST", f"/api/v2/dags/{RUN_DAG}/dagRuns", asked)
    except AirflowRefused as refusal:
        if run_id is None or refusal.status != 409:
            raise
        return run_id
    return str(answer["dag_run_id"])
