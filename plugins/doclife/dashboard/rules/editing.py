"""The editor of a rule: a form and its YAML, a live preview, and the difference before saving."""

import difflib
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from psycopg.errors import QueryCanceled

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.rules import looking, wording
from doclife.dashboard.rules.draft import YAML, Draft, received, text_of
from doclife.dashboard.submitted import Pairs
from doclife.dashboard.visit import Here, Visit
from doclife.domain.compiler import RuleVersion
from doclife.domain.message import TEMPLATES
from doclife.domain.rule import Mode
from doclife.domain.rule_form import NEW_RULE
from doclife.errors import DoclifeError, RefusedError
from doclife.lifecycle.editing_rules import copy_of, save_rule
from doclife.lifecycle.rule_linting import lint_draft
from doclife.lifecycle.ruling import current_version
from doclife.store import organizations

TOO_LONG = (
    "Counting takes too long just now, perhaps because a night is being planned. "
    "Nothing was stored; try again in a moment."
)

router = APIRouter(dependencies=[needs(Deed.EDIT)])


@router.get("/rules/-/new")
def new(here: Here) -> Response:
    """Begin a new rule."""
    types = organizations.metadata_types(here.conn, here.tenant.id)
    draft = Draft.of_form(NEW_RULE, types=types)
    # Nobody is told what they have not filled in yet.
    return _editor(here, draft, faults={})


@router.get("/rules/{name}/edit")
def edit(here: Here, name: str) -> Response:
    """Edit the current version of a rule."""
    version = _current(here, name)
    draft = Draft.of_rule(version.rule, name=name, based_on=version.version)
    return _editor(here, draft)


@router.get("/rules/{name}/copy")
def copy(here: Here, name: str) -> Response:
    """Begin a new rule with all that another says."""
    version = _current(here, name)
    rule = copy_of(here.conn, organization=here.tenant.slug, rule=version.rule)
    return _editor(here, Draft.of_rule(rule))


@router.post("/rules/-/draft")
def draft(here: Here, pairs: Pairs) -> Response:
    """Show the editor after one of its buttons; nothing is stored."""
    sent = dict(pairs)
    found = received(here, pairs)
    if sent.get("do") == "review" and found.rule is not None:
        return _review(here, found, pairs, as_of=sent.get("as_of"))
    is_judged = sent.get("do") in ("preview", "review") or found.view == YAML
    return _editor(
        here,
        found,
        faults=None if is_judged else {},
        as_of=sent.get("as_of"),
        with_preview=sent.get("do") == "preview",
        status=422 if sent.get("do") == "review" else 200,
    )


@router.post("/rules/-/draft/preview")
def preview(here: Here, pairs: Pairs) -> Response:
    """Return the preview alone, for a page that shows it while somebody types."""
    found = received(here, pairs)
    return here.partial("rules/preview.html.j2", **_look(here, found, dict(pairs).get("as_of")))


@router.post("/rules/-/draft/save")
def save(here: Here, pairs: Pairs) -> Response:
    """Bring the draft into force as a new version."""
    found = received(here, pairs)
    if found.rule is None:
        return _editor(here, found, status=422)
    try:
        change = save_rule(
            here.conn,
            organization=here.tenant.slug,
            rule=found.rule,
            based_on=found.based_on,
            author=here.actor,
            now=here.now,
            metadata_fields=found.metadata_fields,
        )
    except RefusedError as refusal:
        return _editor(here, found, refusal=str(refusal), status=409)
    said = f"Rule {change.name} is in force as version {change.version}."
    if change.kind == "unchanged":
        said = f"Rule {change.name} was not changed: it is what version {change.version} says."
    return here.redirect(f"rules/{change.name}", flash=said)


def text_difference(before: str | None, after: str) -> list[tuple[str, str]]:
    """Return the lines of a difference: ``del``, ``ins`` or nothing, and the text."""
    lines = difflib.unified_diff((before or "").splitlines(), after.splitlines(), lineterm="", n=3)
    kinds = {"+": "ins", "-": "del"}
    return [
        (kinds.get(line[:1], ""), line) for line in lines if not line.startswith(("+++", "---"))
    ]


def _current(here: Visit, name: str) -> RuleVersion:
    return current_version(here.conn, organization=here.tenant.slug, name=name)


def _editor(
    here: Visit,
    draft: Draft,
    *,
    faults: dict[str, Sequence[str]] | None = None,
    as_of: str | None = None,
    refusal: str | None = None,
    with_preview: bool = False,
    status: int = 200,
) -> Response:
    # Over a million documents a preview takes seconds: the page is there at once and asks for it.
    types = organizations.metadata_types(here.conn, here.tenant.id)
    looked = _look(here, draft, as_of) if with_preview else _nothing_yet(here, as_of)
    return here.page(
        "rules/edit.html.j2",
        status=status,
        draft=draft,
        faults=draft.faults if faults is None else faults,
        refusal=refusal,
        types=types,
        modes=[(mode, f"{mode}: {wording.MODES_IN_WORDS[mode]}") for mode in Mode],
        templates=[("", "as usual"), *((name, name) for name in TEMPLATES)],
        **looked,
    )


def _nothing_yet(here: Visit, as_of: str | None) -> dict[str, Any]:
    return {
        "draft_faults": 0,
        "look": None,
        "findings": [],
        "difference": None,
        "trouble": None,
        "as_of": as_of or str(here.today),
        "words": wording,
    }


def _look(here: Visit, draft: Draft, as_of: str | None) -> dict[str, Any]:
    """What the preview shows: the numbers, or how much is still to be filled in."""
    found = _nothing_yet(here, as_of)
    if draft.rule is None:
        found["draft_faults"] = sum(map(len, draft.faults.values()))
        return found
    found["findings"] = lint_draft(here.conn, organization=here.tenant.slug, rule=draft.rule)
    try:
        found["look"] = looking.look_at(here, draft.rule, as_of=as_of)
        if draft.name is not None:
            found["difference"] = _difference(here, draft, as_of)
    except DoclifeError as error:
        found["trouble"] = str(error)
    except QueryCanceled:
        found["trouble"] = TOO_LONG
    return found


def _difference(here: Visit, draft: Draft, as_of: str | None) -> looking.Difference:
    assert draft.rule is not None
    assert draft.name is not None
    return looking.compare(
        here,
        before=_current(here, draft.name),
        after=looking.draft_version(here, draft.rule),
        as_of=as_of,
    )


def _review(here: Visit, draft: Draft, pairs: Pairs, *, as_of: str | None) -> Response:
    """Show what saving changes, with everything that was typed carried along."""
    assert draft.rule is not None
    before = None if draft.name is None else _current(here, draft.name)
    return here.page(
        "rules/review.html.j2",
        draft=draft,
        before=before,
        lines=text_difference(_text(before), draft.text),
        carried=[pair for pair in pairs if pair[0] not in ("form_token", "do")],
        **_look(here, draft, as_of),
    )


def _text(version: RuleVersion | None) -> str | None:
    return None if version is None else text_of(version.rule)
