"""``/rules`` of the JSON API: the same functions as the pages and the command line."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, status

from doclife.dashboard import problems
from doclife.dashboard.access import Deed
from doclife.dashboard.api.once import OnceRoute, in_steps, repeat_id
from doclife.dashboard.gate import needs
from doclife.dashboard.paging import PAGE_ROWS, read_day_and_id, write_cursor
from doclife.dashboard.rules import looking
from doclife.dashboard.rules.bodies import (
    ChangedRule,
    ChangesBody,
    FileBody,
    ListedBody,
    NewRule,
    Part,
    PreviewBody,
    RuleBody,
    RulesPage,
    RunBody,
    StartedRun,
    Switch,
    VersionBody,
    VersionsBody,
)
from doclife.dashboard.rules.deeds import RUN_DAG, start_run
from doclife.dashboard.rules.files import apply_text, check_text
from doclife.dashboard.rules.listing import ListedRule, find_page
from doclife.dashboard.rules.showing import find, stored
from doclife.dashboard.visit import Here, Visit
from doclife.domain.actions import ActionType
from doclife.domain.compiler import RuleVersion
from doclife.domain.faults import Fault
from doclife.domain.rule import MAX_ACTIONS, Mode, Rule, TriggerType
from doclife.domain.rule_file import read_rule
from doclife.errors import ConfigurationError
from doclife.lifecycle.comparing import Impact
from doclife.lifecycle.editing_rules import save_rule, switch_mode
from doclife.lifecycle.ruling import RuleChange, export_rules, remove_rule
from doclife.store import organizations, rules

router = APIRouter(route_class=OnceRoute, tags=["rules"])

MAX_LIMIT = 200
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
DocumentLimit = Annotated[int, Query(ge=MAX_ACTIONS, le=MAX_LIMIT)]
"""Not fewer: a page never tears the actions of one document apart."""
Cursor = Annotated[str, Query(max_length=500)]
AsOf = Annotated[
    str, Query(max_length=40, description="A day or a moment, ISO 8601; empty is now.")
]


@router.get("/rules")
def list_rules(
    here: Here,
    search: Annotated[str, Query(max_length=200)] = "",
    mode: Mode | None = None,
    action: ActionType | None = None,
    trigger: TriggerType | None = None,
    cursor: Cursor = "",
    limit: Limit = PAGE_ROWS,
) -> RulesPage:
    """List the rules in use, by name."""
    page = find_page(
        here,
        search=search,
        mode=mode or "",
        action=action or "",
        trigger=trigger or "",
        cursor=cursor,
        limit=limit,
    )
    return RulesPage(items=[_listed(one) for one in page.rows], next_cursor=page.next_cursor)


@router.post(
    "/rules",
    status_code=status.HTTP_201_CREATED,
    response_model=RuleChange,
    dependencies=[needs(Deed.EDIT)],
)
def create_rule(here: Here, request: Request, body: NewRule) -> Any:
    """Bring a new rule into force."""
    return _save(here, request, body.rule, based_on=None)


@router.get("/rules/-/file")
def export_file(here: Here) -> FileBody:
    """Return every rule in use as one canonical rule file."""
    return FileBody(text=export_rules(here.conn, organization=here.tenant.slug))


@router.post("/rules/-/file", dependencies=[needs(Deed.EDIT)])
def import_file(here: Here, body: FileBody) -> ChangesBody:
    """Bring the rules of a file into force; those it does not name stay as they are."""
    return ChangesBody(changes=apply_text(here, body.text))


@router.post("/rules/-/file/check", dependencies=[needs(Deed.EDIT)])
def check_file(here: Here, body: FileBody) -> ChangesBody:
    """Say what a file would change, or everything that is wrong with it; nothing is stored."""
    return ChangesBody(changes=check_text(here, body.text))


@router.post("/rules/-/preview", response_model=PreviewBody, dependencies=[needs(Deed.READ)])
def preview_draft(
    here: Here,
    request: Request,
    body: NewRule,
    as_of: AsOf = "",
    cursor: Cursor = "",
    limit: DocumentLimit = PAGE_ROWS,
) -> Any:
    """Return what a rule that is not stored would do."""
    rule, faults = _read(here, body.rule)
    if rule is None:
        return _refusal(request, faults)
    return _preview(here, rule, as_of=as_of, cursor=cursor, limit=limit)


@router.post("/rules/-/difference", response_model=Impact, dependencies=[needs(Deed.READ)])
def compare_draft(here: Here, request: Request, body: NewRule, as_of: AsOf = "") -> Any:
    """Return what a rule that is not stored makes otherwise than the one in force."""
    rule, faults = _read(here, body.rule)
    if rule is None:
        return _refusal(request, faults)
    return looking.compare(
        here,
        before=find(here, rule.name),
        after=looking.draft_version(here, rule),
        as_of=as_of,
    ).impact


@router.get("/rules/{name}")
def show_rule(here: Here, name: str) -> RuleBody:
    """Return the current version of a rule."""
    return _body(find(here, name))


@router.put("/rules/{name}", response_model=RuleChange, dependencies=[needs(Deed.EDIT)])
def change_rule(here: Here, request: Request, name: str, body: ChangedRule) -> Any:
    """Bring the next version of a rule into force."""
    find(here, name)
    if body.rule.get("name") != name:
        raise ConfigurationError(f"a rule keeps its name: write name: {name}")
    return _save(here, request, body.rule, based_on=body.based_on)


@router.delete(
    "/rules/{name}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[needs(Deed.EDIT)]
)
def delete_rule(here: Here, name: str) -> Response:
    """Take a rule out of use; its versions and its history stay."""
    find(here, name)
    remove_rule(here.conn, organization=here.tenant.slug, name=name, actor=here.actor, now=here.now)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/rules/{name}/preview")
def preview_rule(
    here: Here, name: str, as_of: AsOf = "", cursor: Cursor = "", limit: DocumentLimit = PAGE_ROWS
) -> PreviewBody:
    """Return what a rule would do."""
    return _preview(here, find(here, name).rule, as_of=as_of, cursor=cursor, limit=limit)


@router.get("/rules/{name}/difference")
def compare_rule(
    here: Here,
    name: str,
    before: Annotated[int, Query(alias="from", ge=1, le=10**9)],
    after: Annotated[int, Query(alias="to", ge=1, le=10**9)],
    as_of: AsOf = "",
) -> Impact:
    """Return what one version of a rule makes otherwise than another."""
    return looking.compare(
        here, before=stored(here, name, before), after=stored(here, name, after), as_of=as_of
    ).impact


@router.get("/rules/{name}/versions")
def list_versions(here: Here, name: str) -> VersionsBody:
    """Return every version of a rule, also of one that is out of use."""
    stored(here, name, None)
    found = rules.list_versions(here.conn, here.tenant.id, name)
    return VersionsBody(items=[VersionBody(**{**row, "rule": row["definition"]}) for row in found])


@router.post("/rules/{name}/mode", dependencies=[needs(Deed.EDIT)])
def switch_rule(here: Here, name: str, body: Switch) -> RuleChange:
    """Let a rule be off, simulate or enforce."""
    find(here, name)
    return switch_mode(
        here.conn,
        organization=here.tenant.slug,
        name=name,
        mode=body.mode,
        based_on=body.based_on,
        author=here.actor,
        now=here.now,
    )


@router.post(
    "/rules/{name}/runs",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[needs(Deed.RUN), in_steps()],
)
def run_rule(here: Here, request: Request, name: str, body: RunBody) -> StartedRun:
    """Let Airflow run a rule now, on behalf of whoever asks; its plan names the run."""
    repeated = repeat_id(request)
    run_id = start_run(
        here,
        find(here, name),
        mode=body.mode,
        run_id=None if repeated is None else f"api__{repeated}",
    )
    return StartedRun(dag_id=RUN_DAG, run_id=run_id)


def _read(here: Visit, raw: dict[str, Any]) -> tuple[Rule | None, Sequence[Fault]]:
    types = organizations.metadata_types(here.conn, here.tenant.id)
    return read_rule(raw, metadata_types=types)


def _save(here: Visit, request: Request, raw: dict[str, Any], *, based_on: int | None) -> Any:
    rule, faults = _read(here, raw)
    if rule is None:
        return _refusal(request, faults)
    return save_rule(
        here.conn,
        organization=here.tenant.slug,
        rule=rule,
        based_on=based_on,
        author=here.actor,
        now=here.now,
        origin="the JSON API",
    )


def _refusal(request: Request, faults: Sequence[Fault]) -> Response:
    """Answer with every fault of a rule, each with its place in it."""
    return problems.respond(
        request,
        422,
        detail="; ".join(map(str, faults)),
        errors=[
            {"field": ".".join(map(str, ("rule", *fault.path))), "fault": fault.message}
            for fault in faults
        ],
    )


def _preview(here: Visit, rule: Rule, *, as_of: str, cursor: str, limit: int) -> PreviewBody:
    look = looking.look_at(here, rule, as_of=as_of, after=read_day_and_id(cursor), size=limit)
    return PreviewBody(
        rule=look.rule,
        as_of=look.as_of,
        due=look.due,
        parts=[Part.model_validate(part) for part in look.parts],
        unknown=look.unknown,
        items=list(look.items),
        next_cursor=None if look.next_after is None else write_cursor(look.next_after),
    )


def _body(version: RuleVersion) -> RuleBody:
    return RuleBody(
        name=version.rule.name,
        version=version.version,
        created_at=version.created_at,
        rule=version.rule.to_document(),
    )


def _listed(one: ListedRule) -> ListedBody:
    return ListedBody(
        name=one.rule.name,
        version=one.row.version,
        created_at=one.row.created_at,
        rule=one.rule.to_document(),
        next_run_at=one.next_run_at,
        last_plan_id=one.row.plan_id,
        last_plan_state=one.row.plan_state,
        last_planned_at=one.row.planned_at,
        due_count=one.row.due_count,
        unknown_count=one.row.unknown_count,
    )
