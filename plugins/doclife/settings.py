"""What the environment says: read once, with every fault reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from psycopg import conninfo, pq

from doclife.connections import ServiceConnection, from_environment
from doclife.errors import ConfigurationError

DATABASE_URL = "DOCLIFE_DATABASE_URL"
AIRFLOW_CONNECTION = "AIRFLOW_CONN_DOCUMENTS"
ORGANIZATION = "DOCLIFE_ORGANIZATION"
AIRFLOW_URL = "DOCLIFE_AIRFLOW_URL"
BACKUP_WARNING = "DOCLIFE_BACKUP_DAYS"

BACKUP_DAYS = 8
"""A backup each week, with a day to notice that one did not come."""

MOST_DIGITS = 4

_SCHEMES = ("postgresql", "postgres")
_ENCODING = (
    "in the user or the password write % as %25, @ as %40, : as %3A and / as %2F, "
    "as in postgresql://user:pass%40word@host/database"
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one process is set up.

    :param database: where the documents are, as libpq takes it (a URL or ``host=... dbname=...``);
        None when nobody said.
    :param airflow_url: where Airflow's own pages are, for what only a user of Airflow may do; None
        when nobody said.
    :param organization: whose documents a command is about unless it says otherwise; ``default``,
        the organization that every database has.
    :param backup_days: from what age of the last backup on the doctor warns; 0: never, because
        another tool makes them.
    """

    database: str | None
    organization: str = "default"
    airflow_url: str | None = None
    backup_days: int = BACKUP_DAYS

    def require_database(self) -> str:
        """Return where the documents are.

        :raises ConfigurationError: nobody said; names the three ways to say it.
        """
        if self.database is None:
            raise ConfigurationError(
                "no documents database is configured. Either set "
                f"{DATABASE_URL}=postgresql://user:password@host/database, or set "
                f"{AIRFLOW_CONNECTION} to the Airflow connection (URI or JSON), or use what ./run "
                "started: ./run doclife ..."
            )
        return self.database


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables; an empty one counts as not set.

    :raises ConfigurationError: names every fault, without quoting passwords.
    """
    faults: list[str] = []
    database = None
    try:
        if url := environment.get(DATABASE_URL):
            database = _from_url(url, name=DATABASE_URL)
        else:
            database = _from_airflow(environment)
    except ConfigurationError as error:
        faults.append(str(error))
    organization = environment.get(ORGANIZATION) or "default"
    if not organization.replace("-", "").isalnum() or organization != organization.lower():
        faults.append(
            f"{ORGANIZATION}={organization!r} is no organization: write its short name in lower "
            "case letters, digits and '-'"
        )
    days = environment.get(BACKUP_WARNING) or str(BACKUP_DAYS)
    if not (days.isascii() and days.isdigit() and len(days) <= MOST_DIGITS):
        faults.append(
            f"{BACKUP_WARNING}={days!r} is no number of days: write for example 2, or 0 where "
            "another tool makes the backups"
        )
    if faults:
        raise ConfigurationError("; ".join(faults))
    return Settings(
        database=database,
        organization=organization,
        airflow_url=environment.get(AIRFLOW_URL) or None,
        backup_days=int(days),
    )


def _from_url(url: str, *, name: str) -> str:
    if urlsplit(url).scheme not in _SCHEMES:
        raise ConfigurationError(
            f"{name} is no PostgreSQL URL: write postgresql://user:password@host/database"
        )
    # libpq's own words quote the part it stumbled over, which is mostly the password.
    if url.split("://", 1)[1].split("/", 1)[0].count("@") > 1:
        raise ConfigurationError(f"{name} cannot be read: {_ENCODING}")
    try:
        conninfo.conninfo_to_dict(url)
    except Exception:  # noqa: BLE001 - psycopg raises several kinds for one cause
        raise ConfigurationError(f"{name} cannot be read: {_ENCODING}") from None
    return url


def _from_airflow(environment: Mapping[str, str]) -> str | None:
    """Turn Airflow's Connection into what libpq takes, without what only Airflow knows."""
    connection = from_environment(environment)("documents")
    return None if connection is None else libpq_parameters(connection)


def libpq_parameters(connection: ServiceConnection) -> str:
    """Return where an Airflow Connection leads, as libpq takes it (``host=... dbname=...``).

    :raises ConfigurationError: it is no Connection to PostgreSQL.
    """
    if connection.type not in _SCHEMES:
        raise ConfigurationError(
            f"{AIRFLOW_CONNECTION} is no Connection to PostgreSQL: write it as URI "
            '(postgres://user:password@host:5432/database) or JSON ({"conn_type": "postgres", ...})'
        )
    parts = {
        **connection.extra,
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "dbname": connection.schema,
    }
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    return conninfo.make_conninfo(
        "", **{key: str(value) for key, value in parts.items() if key in known and value}
    )
