"""Renders templates: the one place where HTML is made."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from doclife.dashboard import moments
from doclife.dashboard.plans.titles import title_of

INCLUDE = Path(__file__).resolve().parents[3] / "include"
TEMPLATES = INCLUDE / "templates" / "dashboard"
ASSETS = INCLUDE / "assets"


@cache
def environment() -> Environment:
    """Return what renders every page: autoescaped, and a missing name is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(icon=icon, moments=moments, title_of_plan=title_of)
    made.filters.update(number=number, size=size)
    return made


def root_of(request: Request) -> str:
    """Return the path the dashboard is mounted at, with Airflow's own prefix: ``/x/doclife``."""
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


class Links:
    """Makes addresses of the dashboard's own pages, of its files, and of Airflow's pages."""

    def __init__(self, request: Request) -> None:
        self._root = root_of(request)

    def __call__(self, path: str, **query: object) -> str:
        """Return the address of a page: ``link("rules/12", q="x")``; None leaves a key out."""
        return f"{self._root}/{path.lstrip('/')}{_query(query)}"

    def file(self, name: str) -> str:
        """Return the address of a file of ``include/assets``; it changes with its content."""
        return f"{self._root}/static/{digest(name)}/{name}"

    def airflow(self, path: str, **query: object) -> str:
        """Return the address of a page of Airflow's own, e.g. ``airflow("dags/run_rule")``.

        In a template give its link ``data-airflow``: it then opens in Airflow, not in the frame.
        """
        base = self._root.removesuffix("/doclife")
        return f"{base}/{path.lstrip('/')}{_query(query)}"


def _query(query: dict[str, object]) -> str:
    known = {name: value for name, value in query.items() if value is not None and value != ""}
    return f"?{urlencode(known, doseq=True)}" if known else ""


def render(name: str, context: dict[str, Any], *, status: int = 200) -> HTMLResponse:
    """Return a template of ``include/templates/dashboard`` as an answer."""
    return HTMLResponse(environment().get_template(name).render(context), status_code=status)


def problem(request: Request, *, status: int, title: str, detail: str | None) -> HTMLResponse:
    """Return a page that says what went wrong. It asks nothing of the database."""
    return render(
        "problem.html.j2",
        {
            "link": Links(request),
            "here": None,
            "status": status,
            "title": title,
            "detail": detail,
        },
        status=status,
    )


# ------------------------------------------------------------------------------------- filters


@cache
def _icons() -> dict[str, str]:
    text = (ASSETS / "icons.svg").read_text(encoding="utf-8")
    return dict(re.findall(r'<symbol id="(\w+)" viewBox="0 0 24 24">(.*?)</symbol>', text))


def icon(name: str) -> Markup:
    """Return an icon of ``include/assets/icons.svg``, hidden from screen readers."""
    return Markup('<svg class="i" viewBox="0 0 24 24" aria-hidden="true">{}</svg>').format(
        Markup(_icons()[name])  # noqa: S704 - drawings in a file of ours; nobody's text
    )


@cache
def digest(name: str) -> str:
    """Return what names a version of an asset."""
    return hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]


def number(value: float | None) -> str:
    """Return a number as people read it: ``1,234``."""
    return "" if value is None else f"{value:,}"


def size(count: int | None) -> str:
    """Return a number of bytes as people read it: ``1.4 GB``."""
    if count is None:
        return ""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"
