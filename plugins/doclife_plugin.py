"""Puts the dashboard into Airflow's navigation and onto the page of every DAG."""

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin


class DoclifePlugin(AirflowPlugin):
    """Registers the dashboard; nothing else.

    Every component of Airflow loads plugins, and only the api-server serves pages: what is heavy is
    imported when it asks. Addresses are relative, so that a path in ``[api] base_url`` is kept.
    """

    name = "doclife"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """Return the app, mounted below Airflow's own base path."""
        from doclife.dashboard.app import PREFIX, make_app

        return [{"app": make_app(), "url_prefix": PREFIX, "name": "doclife"}]

    @cached_property
    def external_views(self) -> list[dict[str, Any]]:
        """Return the entry of the navigation, and the tab of a DAG."""
        icons = {
            "icon": "doclife/static/documents.svg",
            "icon_dark_mode": "doclife/static/documents-dark.svg",
        }
        return [
            {
                "name": "Documents",
                "href": "doclife/",
                "destination": "nav",
                "nav_top_level": True,
                "url_route": "doclife",
                **icons,
            },
            {
                "name": "Documents",
                "href": "doclife/dags/{DAG_ID}",
                "destination": "dag",
                "url_route": "doclife-plans",
                **icons,
            },
        ]
