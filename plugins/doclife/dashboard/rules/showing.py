"""One rule: what it says and does, how it ran, and its versions."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response

from doclife.dashboard.paging import read_day_and_id, write_cursor
from doclife.dashboard.rules import looking, wording
from doclife.dashboard.rules.draft import text_of
from doclife.dashboard.rules.editing import text_difference
from doclife.dashboard.rules.listing import next_run, night_zone, plan_state
from doclife.dashboard.visit import Here, Visit
from doclife.domain.compiler import RuleVersion
from doclife.domain.rule import RULE_NAME_PATTERN
from doclife.domain.rule_form import obstacles
from doclife.errors import ConfigurationError
from doclife.lifecycle.comparing import find_stored
from doclife.lifecycle.ruling import current_version
from doclife.store import rules, stored_plans

router = APIRouter()

PLANS_SHOWN = 10
Version = Annotated[int | None, Query(ge=1, le=1_000_000_000)]


@router.get("/rules/{name}")
def show(here: Here, name: str) -> Response:
    """Show a rule with its last plans and its versions."""
    try:
        version = find(here, name)
    except HTTPException:
        if name != "new":
            raise
        # What other pages link to; a rule may have the name, so the form has an address of its own.
        return here.redirect("rules/-/new")
    plans = stored_plans.list_of_rule(here.conn, here.tenant.id, name, size=PLANS_SHOWN)
    return here.page(
        "rules/show.html.j2",
        version=version,
        rule=version.rule,
        text=text_of(version.rule),
        plans=[plan | {"pill": pill_of(plan)} for plan in plans],
        versions=rules.list_versions(here.conn, here.tenant.id, name),
        next_run_at=next_run(
            version.rule, tenant=here.tenant, night_zone=night_zone(), now=here.now
        ),
        has_form=not obstacles(version.rule),
        words=wording,
    )


@router.get("/rules/{name}/preview")
def preview(
    here: Here,
    name: str,
    as_of: Annotated[str, Query(max_length=40)] = "",
    cursor: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show what a rule would do at a moment, with all the documents, page by page."""
    after = read_day_and_id(cursor)
    look = looking.look_at(here, find(here, name).rule, as_of=as_of, after=after, size=looking.PAGE)
    return here.page(
        "rules/documents.html.j2",
        name=name,
        look=look,
        is_first=not cursor,
        next_cursor=None if look.next_after is None else write_cursor(look.next_after),
        words=wording,
    )


@router.get("/rules/{name}/difference")
def difference(
    here: Here,
    name: str,
    before: Annotated[Version, Query(alias="from")] = None,
    after: Annotated[Version, Query(alias="to")] = None,
    as_of: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show what one version of a rule says and does otherwise than another."""
    new = stored(here, name, after)
    old = (
        None
        if new.version == 1 and before is None
        else stored(here, name, before or new.version - 1)
    )
    return here.page(
        "rules/difference.html.j2",
        name=name,
        old=old,
        new=new,
        lines=text_difference(None if old is None else text_of(old.rule), text_of(new.rule)),
        difference=looking.compare(here, before=old, after=new, as_of=as_of),
        as_of=as_of or str(here.today),
        versions=rules.list_versions(here.conn, here.tenant.id, name),
        words=wording,
    )


def find(here: Visit, name: str) -> RuleVersion:
    """Return the current version of a rule, or answer that there is none."""
    try:
        return current_version(here.conn, organization=here.tenant.slug, name=name)
    except ConfigurationError as error:
        raise HTTPException(404, str(error)) from error


def stored(here: Visit, name: str, version: int | None) -> RuleVersion:
    """Return a version of a rule, the newest if none is named, or answer that there is none."""
    if not re.fullmatch(RULE_NAME_PATTERN, name):
        raise HTTPException(404, f"There is no rule {name!r}")
    try:
        return find_stored(here.conn, organization=here.tenant.slug, name=name, version=version)
    except ConfigurationError as error:
        raise HTTPException(404, str(error)) from error


def pill_of(plan: dict[str, Any]) -> tuple[str, str]:
    """Return kind and word of a plan's state."""
    return plan_state(
        plan["state"],
        mode=plan["mode"],
        is_tripped=plan["is_tripped"],
        failed=plan["failed_count"],
    )
