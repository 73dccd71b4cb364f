"""Rule files: all rules out as one, and a file in, after a look at what it changes."""

from typing import Annotated

from fastapi import APIRouter, Form, Response, UploadFile
from fastapi.responses import PlainTextResponse

from doclife.dashboard.access import Deed
from doclife.dashboard.gate import needs
from doclife.dashboard.rules.editing import text_difference
from doclife.dashboard.visit import Here, Visit
from doclife.domain.rule_file import RuleFileError, named_organization
from doclife.domain.rule_yaml import MAX_CHARACTERS
from doclife.errors import ConfigurationError, DoclifeError
from doclife.lifecycle.ruling import RuleChange, apply_rule_file, compare_rule_file, export_rules

router = APIRouter()
FILE = "the file"


@router.get("/rules/-/export")
def export(here: Here) -> Response:
    """Send every rule in use as one canonical file."""
    return PlainTextResponse(
        export_rules(here.conn, organization=here.tenant.slug),
        media_type="application/yaml",
        headers={"Content-Disposition": f'attachment; filename="rules-{here.tenant.slug}.yaml"'},
    )


@router.get("/rules/-/import", dependencies=[needs(Deed.EDIT)])
def ask(here: Here) -> Response:
    """Ask for a file, or its text."""
    return here.page("rules/import.html.j2", text="", faults=[], changes=None)


@router.post("/rules/-/import/check", dependencies=[needs(Deed.EDIT)])
def check(
    here: Here, text: Annotated[str, Form()] = "", file: UploadFile | None = None
) -> Response:
    """Show what the file would change, or everything that is wrong with it."""
    if file is not None and file.filename:
        text = _decoded(file)
    text = text.replace("\r\n", "\n")
    try:
        changes = check_text(here, text)
    except DoclifeError as error:
        return _again(here, text, error)
    return here.page(
        "rules/import.html.j2",
        text=text,
        faults=[],
        changes=[(change, text_difference(change.before, change.after)) for change in changes],
    )


@router.post("/rules/-/import", dependencies=[needs(Deed.EDIT)])
def apply(here: Here, text: Annotated[str, Form()]) -> Response:
    """Bring the rules of the text into force."""
    text = text.replace("\r\n", "\n")
    try:
        changes = apply_text(here, text)
    except DoclifeError as error:
        return _again(here, text, error)
    counts = {kind: sum(one.kind == kind for one in changes) for kind in ("added", "changed")}
    return here.redirect(
        "rules", flash=f"Rules added: {counts['added']}, changed: {counts['changed']}."
    )


def check_text(here: Visit, text: str) -> list[RuleChange]:
    """Return what the rules of a text would change; nothing is stored."""
    refuse_other_organization(here, text)
    return compare_rule_file(here.conn, text=text, file=FILE, organization=here.tenant.slug)


def apply_text(here: Visit, text: str) -> list[RuleChange]:
    """Bring the rules of a text into force, in the organization that the person looks at."""
    refuse_other_organization(here, text)
    return apply_rule_file(
        here.conn,
        text=text,
        file="the dashboard",
        author=here.actor,
        now=here.now,
        organization=here.tenant.slug,
    )


def refuse_other_organization(here: Visit, text: str) -> None:
    """Refuse a file that names another organization than the one the person looks at."""
    named = named_organization(text)
    if named not in (None, here.tenant.slug):
        raise ConfigurationError(
            f"The file is for organization {named!r}, and this is {here.tenant.slug!r}. "
            "Choose that organization above first, or take the line out."
        )


def _again(here: Visit, text: str, error: DoclifeError) -> Response:
    faults = [str(error)]
    if isinstance(error, RuleFileError):
        faults = [f"Line {fault.line}: {fault.message}" for fault in error.faults]
    return here.page("rules/import.html.j2", status=422, text=text, faults=faults, changes=None)


def _decoded(file: UploadFile) -> str:
    content = file.file.read(4 * MAX_CHARACTERS + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(
            "The file is not text in UTF-8. Save it as UTF-8 and try again."
        ) from None
