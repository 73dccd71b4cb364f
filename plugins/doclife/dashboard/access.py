"""Who somebody is to Airflow, and what Airflow's auth manager lets them do here.

Nobody logs in to doclife: its rights are rights on doclife's DAGs, so that Simple, FAB and Keycloak
users are known without being told twice.
"""

import logging
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    ConnectionDetails,
    DagAccessEntity,
    DagDetails,
)
from airflow.configuration import conf
from airflow.models.dag import DagModel
from airflow.sdk.exceptions import AirflowException

from doclife.errors import TryAgainLater

logger = logging.getLogger(__name__)

DAG_IDS = (
    "check_expired_documents",
    "execute_automation_rules",
    "process_queue",
    "review_plan",
    "run_rule",
    "send_daily_summaries",
    "weekly_cleanup",
)


class Deed(StrEnum):
    """What a person may or may not do; each is a right in Airflow."""

    READ = "read"
    """See pages: read every DAG of doclife."""
    EDIT = "edit"
    """Change rules, endpoints, schedules and settings: edit ``execute_automation_rules``."""
    RUN = "run"
    """Run and undo plans, hold, restore, halt: trigger ``run_rule``."""
    APPROVE = "approve"
    """Approve and reject plans: answer the required actions of ``review_plan``."""
    SEND = "send"
    """Enqueue, retry, cancel and resend: trigger ``process_queue``."""
    CONNECT = "connect"
    """Store a secret: change Airflow's Connections."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who is logged in to Airflow."""

    name: str
    """As Airflow shows it."""
    airflow_user: Any = field(repr=False)

    @property
    def actor(self) -> str:
        """How the audit trail names them."""
        return f"user:{self.name}"


class Rights:
    """What one person may do; each right is asked for once a request.

    Asking may take a round trip to the identity provider, so nothing is asked beforehand.
    Templates read ``may.edit`` and the like.
    """

    def __init__(self, person: Person) -> None:
        self._user = person.airflow_user
        self._known: dict[Deed, bool] = {}

    def allow(self, deed: Deed) -> bool:
        """Return whether the person may do it.

        :raises TryAgainLater: the auth manager gave no answer.
        """
        if deed not in self._known:
            try:
                self._known[deed] = _ask(deed, self._user)
            except (AirflowException, OSError) as error:
                # What Keycloak's manager raises when its server is away or not set up.
                logger.error("Airflow's auth manager gave no answer: %s", error)
                raise TryAgainLater(
                    "Airflow's auth manager does not say what you may do. Nothing is changed."
                ) from error
        return self._known[deed]

    def __getattr__(self, name: str) -> bool:
        """Return whether the person may do the deed of that name."""
        try:
            return self.allow(Deed(name))
        except ValueError:
            raise AttributeError(name) from None


def _ask(deed: Deed, user: Any) -> bool:
    manager = get_auth_manager()
    if deed is Deed.CONNECT:
        return all(
            manager.is_authorized_connection(method=method, user=user, details=ConnectionDetails())
            for method in ("POST", "PUT", "DELETE")
        )
    if deed is Deed.READ:
        requests: Any = [{"method": "GET", "details": _details(dag_id)} for dag_id in DAG_IDS]
        return bool(manager.batch_is_authorized_dag(requests, user=user))
    method, entity, dag_id = {
        Deed.EDIT: ("PUT", None, "execute_automation_rules"),
        Deed.RUN: ("POST", DagAccessEntity.RUN, "run_rule"),
        Deed.APPROVE: ("PUT", DagAccessEntity.HITL_DETAIL, "review_plan"),
        Deed.SEND: ("POST", DagAccessEntity.RUN, "process_queue"),
    }[deed]
    request: Any = {"method": method, "access_entity": entity, "details": _details(dag_id)}
    return bool(manager.is_authorized_dag(user=user, **request))


def _details(dag_id: str) -> DagDetails:
    return DagDetails(id=dag_id, team_name=_team(dag_id) if _has_teams() else None)


@cache
def _has_teams() -> bool:
    return bool(conf.getboolean("core", "multi_team", fallback=False))


def _team(dag_id: str) -> str | None:
    name: str | None = DagModel.get_team_name(dag_id)
    return name
