"""An auth manager like those of production: ids that are no names, and rights DAG by DAG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.sdk.exceptions import AirflowException

from doclife.dashboard.access import DAG_IDS

Right = tuple[str, str | None, str]
"""A method, an access entity of a DAG, and the DAG; or a method, None and ``CONNECTION``."""
CONNECTION = "a Connection"
READING: frozenset[Right] = frozenset(("GET", None, dag_id) for dag_id in DAG_IDS)
"""Of whoever may read all of doclife's DAGs, and no more."""


@dataclass(frozen=True, kw_only=True)
class NumberedUser(BaseUser):
    """Somebody whose login says a number only."""

    number: int
    name: str
    rights: frozenset[Right] = READING

    def get_id(self) -> str:
        return str(self.number)

    def get_name(self) -> str:
        return self.name


class NumberedAuthManager(SimpleAuthManager):
    """Airflow's own but for who somebody is and what they may do.

    A login without a user is one that its identity provider has ended: Keycloak's manager returns
    None for it. ``is_away`` lets every question about rights fail as Keycloak's does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[int, NumberedUser] = {}
        self.is_away = False

    def serialize_user(self, user: Any) -> dict[str, Any]:
        return {"sub": user.get_id()}

    def deserialize_user(self, token: dict[str, Any]) -> Any:
        return self.users.get(int(token["sub"]))

    def is_authorized_dag(
        self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None
    ) -> bool:
        entity = None if access_entity is None else access_entity.value
        return self._has(user, (method, entity, details.id))

    def is_authorized_connection(self, *, method: Any, user: Any, details: Any = None) -> bool:
        return self._has(user, (method, None, CONNECTION))

    def _has(self, user: NumberedUser, right: Right) -> bool:
        if self.is_away:
            raise AirflowException("Unexpected error: 502 - Bad Gateway")
        return right in user.rights
