"""One request of one person: what every page and every API resource works with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from doclife.dashboard import rendering
from doclife.dashboard.access import Person, Rights
from doclife.dashboard.gate import make_token
from doclife.dashboard.lease import Lease
from doclife.dashboard.navigation import tabs_of
from doclife.dashboard.problems import API_PREFIX, path_of
from doclife.domain.organization import Organization
from doclife.lifecycle.alerting import OPERATORS
from doclife.store import clock, organizations, switches
from doclife.store.connection import Connection

ORGANIZATION_COOKIE = "doclife_organization"
FLASH_COOKIE = "doclife_flash"
FLASH_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Who asks, about which organization, with which connection, at which moment."""

    request: Request
    lease: Lease
    person: Person
    may: Rights
    tenant: Organization
    """The organization that the person looks at; the only one whose rows they may be shown."""
    organizations: tuple[Organization, ...]
    """Those the person may choose from: the ones they are bound to, or all."""
    is_bound: bool
    """Whether the person is bound to organizations, and must not see what spans all."""
    now: datetime
    """The present by the database's clock."""

    @property
    def conn(self) -> Connection:
        """A connection from the pool; in autocommit until ``with conn.transaction()``."""
        return self.lease.conn

    @property
    def actor(self) -> str:
        """How the audit trail names the person: ``user:olga``."""
        return self.person.actor

    @property
    def recipients(self) -> tuple[str, ...]:
        """The names that notifications reach the person by: user name, mail address, role."""
        address = getattr(self.person.airflow_user, "email", None)
        roles = (OPERATORS,) if self.may.edit and not self.is_bound else ()
        return (self.person.name, *((address,) if address else ()), *roles)

    @property
    def today(self) -> date:
        """The day it is in the organization's time zone."""
        return self.tenant.date_of(self.now)

    @property
    def link(self) -> rendering.Links:
        """What makes addresses: ``visit.link("rules/12")``."""
        return rendering.Links(self.request)

    def page(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Return a whole page; the template extends ``base.html.j2``."""
        everything = self._context() | self._frame() | context
        # A template may still ask for rights, and the identity provider take its time.
        self.lease.give_back()
        answer = rendering.render(template, everything, status=status)
        if FLASH_COOKIE in self.request.cookies:
            answer.delete_cookie(FLASH_COOKIE, path=self._cookie_path())
        if "organization" in self.request.query_params:
            # The links of the page do not repeat it: they lead to the same organization this way.
            self._remember(answer, self.tenant.slug)
        return answer

    def partial(self, template: str, **context: Any) -> HTMLResponse:
        """Return a part of a page, for live previews and refreshes: no frame around it."""
        return rendering.render(template, self._context() | context)

    def redirect(self, path: str, *, flash: str | None = None, **query: object) -> Response:
        """Send the browser to a page after a write, where ``flash`` is shown once."""
        answer = RedirectResponse(self.link(path, **query), status_code=303)
        if flash is not None:
            answer.set_cookie(
                FLASH_COOKIE,
                _flash_serializer().dumps(flash[:1000]),
                max_age=FLASH_SECONDS,
                path=self._cookie_path(),
                httponly=True,
                samesite="strict",
            )
        if _of_form(self.request) is not None:
            self._remember(answer, self.tenant.slug)
        return answer

    def with_organization(self, slug: str) -> Response:
        """Send the browser to the overview of an organization, and remember the choice."""
        answer = self.redirect("/")
        self._remember(answer, slug)
        return answer

    def _remember(self, answer: Response, slug: str) -> None:
        answer.set_cookie(
            ORGANIZATION_COOKIE,
            slug,
            max_age=365 * 86400,
            path=self._cookie_path(),
            httponly=True,
            samesite="strict",
        )

    def _context(self) -> dict[str, Any]:
        return {
            "here": self,
            "link": self.link,
            "may": self.may,
            "now": self.now,
            "today": self.today,
            "zone": self.tenant.time_zone,
            "form_token": make_token(self.person, self.tenant.slug),
        }

    def _frame(self) -> dict[str, Any]:
        return {
            "tabs": tabs_of(self.request),
            "halted": switches.read(self.conn),
            "flash": self._flash(),
        }

    def _flash(self) -> str | None:
        try:
            text: str = _flash_serializer().loads(
                self.request.cookies.get(FLASH_COOKIE, ""), max_age=FLASH_SECONDS
            )
        except BadSignature:
            return None
        return text

    def _cookie_path(self) -> str:
        return rendering.root_of(self.request) or "/"


def _flash_serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        conf.get_mandatory_value("api", "secret_key"), salt="doclife flash"
    )


def _visit(request: Request) -> Iterator[Visit]:
    person: Person = request.state.person
    lease = Lease(request.app.state.pool)
    try:
        allowed, is_bound = _organizations(lease.conn, person)
        visit = Visit(
            request=request,
            lease=lease,
            person=person,
            may=request.state.rights,
            tenant=_chosen(lease.conn, request, allowed),
            organizations=allowed,
            is_bound=is_bound,
            now=clock.present(lease.conn),
        )
        if (on_visit := getattr(request.state, "on_visit", None)) is not None:
            on_visit(visit)
        yield visit
    finally:
        lease.end()


def _organizations(conn: Connection, person: Person) -> tuple[tuple[Organization, ...], bool]:
    bound = organizations.ids_of_member(conn, person.name)
    everything = organizations.list_all(conn)
    if not bound:
        return tuple(everything), False
    return tuple(each for each in everything if each.id in bound), True


def _of_form(request: Request) -> str | None:
    """Return the organization of the page that a form stands on; None for what is no form."""
    organization: str | None = getattr(request.state, "organization", None)
    return organization


def _chosen(conn: Connection, request: Request, allowed: tuple[Organization, ...]) -> Organization:
    """Return the organization that is asked for, else the one chosen before, else the first.

    On a page the first is one that has documents, where any has: nobody begins with an empty one.
    Programs get the same as ever, whatever comes in.
    Asking for one that the person is not bound to is answered like one that does not exist.
    """
    by_slug = {each.slug: each for each in allowed}
    asked = request.query_params.get("organization", _of_form(request))
    if asked is not None:
        if asked not in by_slug:
            raise HTTPException(404, f"There is no organization {asked!r} that you may see")
        return by_slug[asked]
    before = by_slug.get(request.cookies.get(ORGANIZATION_COOKIE, ""))
    is_page = not path_of(request).startswith(API_PREFIX)
    if before is not None or len(allowed) == 1 or not is_page:
        return before or allowed[0]
    in_use = organizations.first_with_documents(conn, [each.id for each in allowed])
    return next((each for each in allowed if each.id == in_use), allowed[0])


Here = Annotated[Visit, Depends(_visit, scope="function")]
"""The parameter type of every route: ``def show(here: Here) -> Response``.

The connection goes back to the pool before the answer is sent: slow readers hold none.
"""
