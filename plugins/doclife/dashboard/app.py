"""The dashboard: one FastAPI app that Airflow's api-server serves under ``/doclife``."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from airflow.sdk import BaseHook
from fastapi import APIRouter, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse
from psycopg_pool import ConnectionPool

from doclife.connections import from_airflow
from doclife.dashboard import (
    certificates,
    dag_plans,
    forecast,
    halting,
    history,
    notifications,
    organization,
    overdue,
    overview,
    problems,
    rendering,
    reports,
)
from doclife.dashboard.api import audit as audit_resource
from doclife.dashboard.api import batches as batches_resource
from doclife.dashboard.api import certificates as certificates_resource
from doclife.dashboard.api import channels as channels_resource
from doclife.dashboard.api import description as description_resource
from doclife.dashboard.api import documents as document_resource
from doclife.dashboard.api import endpoint_settings as endpoint_settings_resource
from doclife.dashboard.api import endpoints as endpoints_resource
from doclife.dashboard.api import erasure as erasure_resource
from doclife.dashboard.api import halting as halting_resource
from doclife.dashboard.api import imports as imports_resource
from doclife.dashboard.api import jobs as jobs_resource
from doclife.dashboard.api import looking_ahead as looking_ahead_resource
from doclife.dashboard.api import many_jobs as many_jobs_resource
from doclife.dashboard.api import matters as matters_resource
from doclife.dashboard.api import oneself as oneself_resource
from doclife.dashboard.api import planning_again as planning_again_resource
from doclife.dashboard.api import reports as reports_resource
from doclife.dashboard.api import schedules as schedules_resource
from doclife.dashboard.batches import pages as batch_pages
from doclife.dashboard.documents import pages as document_pages
from doclife.dashboard.erasure import pages as erasure_pages
from doclife.dashboard.gate import Gate, TokenCheck
from doclife.dashboard.integrations import pages as integration_pages
from doclife.dashboard.jobs import pages as job_pages
from doclife.dashboard.plans import resource as plan_resource
from doclife.dashboard.plans import showing as plan_pages
from doclife.dashboard.public import routes as public_routes
from doclife.dashboard.public.configuration import CONFIGURATION
from doclife.dashboard.rules import pages as rule_pages
from doclife.dashboard.rules import resource as rule_resource
from doclife.settings import libpq_parameters
from doclife.store.connection import Connection, limit_statements, prepare

PREFIX = "/doclife"
"""Where the app is mounted, below Airflow's own base path."""
CONNECTION_ID = "documents"
POOL_SIZE = 10
"""Connections per api-server worker; Airflow's own thread pool has 40 threads."""
WAIT_SECONDS = 5.0
"""How long a request waits for a connection before it says that the database does not answer."""
STATEMENT_SECONDS = 30
"""A page whose statement takes longer fails instead of holding a connection."""

PAGES: tuple[APIRouter, ...] = (
    overview.router,
    halting.router,
    organization.router,
    dag_plans.router,
    rule_pages.router,
    plan_pages.router,
    overdue.router,
    forecast.router,
    history.router,
    document_pages.router,
    erasure_pages.router,
    job_pages.router,
    batch_pages.router,
    integration_pages.router,
    notifications.router,
    reports.router,
    certificates.router,
)
"""Every page's router, one line each."""
RESOURCES: tuple[APIRouter, ...] = (
    rule_resource.router,
    plan_resource.router,
    document_resource.router,
    erasure_resource.router,
    matters_resource.router,
    imports_resource.router,
    batches_resource.router,
    planning_again_resource.router,
    description_resource.router,
    # Before single ones: a dash is no number.
    many_jobs_resource.router,
    jobs_resource.router,
    looking_ahead_resource.router,
    endpoints_resource.router,
    channels_resource.router,
    endpoint_settings_resource.router,
    schedules_resource.router,
    audit_resource.router,
    reports_resource.router,
    certificates_resource.router,
    oneself_resource.router,
    halting_resource.router,
)
"""Every router of the JSON API; their prefix is ``/api/v1``."""
PUBLIC: tuple[APIRouter, ...] = (public_routes.router,)
"""The closed list of what needs no login; their prefix is ``/public``."""


def documents_database() -> str:
    """Return where the catalogue is, by Airflow's Connection ``documents``."""
    return libpq_parameters(from_airflow(BaseHook.get_connection(CONNECTION_ID)))


def make_app(
    *,
    database: Callable[[], str] = documents_database,
    is_public_on: Callable[[], bool] = CONFIGURATION.is_on,
) -> FastAPI:
    """Return the app.

    :param database: where the catalogue is, as libpq takes it; asked for at every new connection,
        so that a changed password is followed.
    :param is_public_on: whether what needs no login answers at all.
    """
    app = FastAPI(
        title="doclife",
        lifespan=_lifespan(database),
        # OpenAPI is served by a route of ours, behind the login.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[TokenCheck],
        redirect_slashes=False,
    )
    app.add_middleware(Gate, is_public_on=is_public_on)
    problems.install(app)
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    for router in RESOURCES:
        app.include_router(router, prefix="/api/v1")
    for router in PUBLIC:
        app.include_router(router, prefix="/public", include_in_schema=False)
    app.add_api_route("/static/{name}", _asset, include_in_schema=False)
    app.add_api_route("/static/{digest}/{name}", _asset, include_in_schema=False)
    return app


def _lifespan(
    database: Callable[[], str],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Opened without waiting: Airflow must start also while the catalogue is away.
        app.state.pool = ConnectionPool(
            database,
            min_size=1,
            max_size=POOL_SIZE,
            timeout=WAIT_SECONDS,
            configure=_configure,
            check=ConnectionPool.check_connection,
            open=False,
            name="doclife dashboard",
        )
        app.state.pool.open(wait=False)
        try:
            yield
        finally:
            app.state.pool.close(timeout=WAIT_SECONDS)

    return lifespan


def _configure(conn: Connection) -> None:
    prepare(conn, application_name="doclife dashboard")
    limit_statements(conn, seconds=STATEMENT_SECONDS)


def _asset(name: str, digest: str | None = None) -> Response:
    """Send a file of ``include/assets``; with its digest the address changes with its content."""
    # Looked for among those there are: a name is anybody's, and may be none that a disk can have.
    path = next((each for each in rendering.ASSETS.iterdir() if each.name == name), None)
    if path is None:
        raise HTTPException(404)
    if digest is None:
        return FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})
    if digest != rendering.digest(name):
        raise HTTPException(404)
    return FileResponse(path, headers={"Cache-Control": "private, max-age=31536000, immutable"})
