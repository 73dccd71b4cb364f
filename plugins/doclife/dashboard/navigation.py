"""The tabs, in their order. One appears as soon as its page exists."""

from dataclasses import dataclass

from fastapi import Request
from fastapi.routing import APIRoute


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One tab: a link to a page of its own, so that Airflow mirrors its address."""

    key: str
    """What a page's template sets as ``tab`` to be the current one."""
    path: str
    title: str


TABS = (
    Tab(key="overview", path="/", title="Overview"),
    Tab(key="rules", path="/rules", title="Rules"),
    Tab(key="history", path="/history", title="History"),
    Tab(key="notifications", path="/notifications", title="Notifications"),
    Tab(key="integrations", path="/integrations", title="Integrations"),
    Tab(key="jobs", path="/jobs", title="Batch jobs"),
    Tab(key="documents", path="/documents", title="Documents"),
    Tab(key="forecast", path="/forecast", title="Forecast"),
    Tab(key="overdue", path="/overdue", title="Overdue"),
)


def tabs_of(request: Request) -> list[Tab]:
    """Return the tabs whose pages exist."""
    paths = {route.path for route in request.app.routes if isinstance(route, APIRoute)}
    return [tab for tab in TABS if tab.path in paths]
