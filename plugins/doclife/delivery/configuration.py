"""What an operator sets for deliveries, read once at the edge."""

from collections.abc import Mapping
from dataclasses import dataclass

from doclife.connections import Connections
from doclife.delivery.guard import ALLOW_HTTP, ALLOWED_NETWORKS, Guard, read_networks
from doclife.delivery.mail_service import MailService, from_connection, from_variables
from doclife.errors import ConfigurationError

EMAIL_CONNECTION = "DOCLIFE_EMAIL_CONNECTION"
SLACK_CONNECTION = "DOCLIFE_SLACK_CONNECTION"
_FLAGS = {"": False, "false": False, "0": False, "true": True, "1": True}


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliverySettings:
    """How one process delivers.

    :param mail_variables: the environment's ``EMAIL_PROVIDER`` and so on, as ``MailService``; None
        when they are not set. An Airflow Connection of ``email_connection``'s name goes before.
    """

    guard: Guard
    email_connection: str
    slack_connection: str
    mail_variables: MailService | None

    def mail_service(self, connections: Connections) -> MailService | None:
        """Return the mail service: the Connection's, else the variables', else None.

        :raises ConfigurationError: the Connection is there and describes none.
        """
        connection = connections(self.email_connection)
        return self.mail_variables if connection is None else from_connection(connection)


def read_delivery_settings(environment: Mapping[str, str]) -> DeliverySettings:
    """Read the settings from environment variables; an empty one counts as not set.

    :raises ConfigurationError: names every fault, quotes no secret.
    """
    faults: list[str] = []
    guard, service = Guard(), None
    flag = _FLAGS.get(environment.get(ALLOW_HTTP, "").strip().lower())
    if flag is None:
        faults.append(f"{ALLOW_HTTP} is either true or false")
    try:
        allowed = read_networks(environment.get(ALLOWED_NETWORKS, ""))
        guard = Guard(allowed=allowed, allows_http=bool(flag))
    except ConfigurationError as error:
        faults.append(str(error))
    try:
        service = from_variables(environment)
    except ConfigurationError as error:
        faults.append(str(error))
    if faults:
        raise ConfigurationError("; ".join(faults))
    return DeliverySettings(
        guard=guard,
        email_connection=environment.get(EMAIL_CONNECTION) or "doclife_email",
        slack_connection=environment.get(SLACK_CONNECTION) or "doclife_slack",
        mail_variables=service,
    )
