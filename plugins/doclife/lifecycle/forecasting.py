"""Rebuilds the forecast: per document and rule, when each action will fall due.

For lists, the digest and the drift check of the breaker; never trusted for an action.
"""

from datetime import date, datetime

from doclife.lifecycle.judging import compilers_for
from doclife.store import forecasts, organizations, rules
from doclife.store.connection import Connection


def rebuild_dispositions(
    conn: Connection, *, now: datetime, as_of: datetime, organization: str | None = None
) -> int:
    """Compute the due dates of every rule in use anew, and return how many there are.

    One transaction per organization: readers see the old forecast until the new one is whole.

    :param as_of: aware; conditions such as ``older_than`` are judged on its day.
    """
    found = (
        [organizations.find(conn, organization)] if organization else organizations.list_all(conn)
    )
    total = 0
    for tenant in found:
        with conn.transaction():
            forecasts.clear(conn, tenant.id)
            for compiler in compilers_for(
                rules.list_current(conn, tenant.id),
                organization=tenant,
                metadata_types=organizations.metadata_types(conn, tenant.id),
                as_of=tenant.date_of(as_of),
            ):
                total += forecasts.insert(
                    conn,
                    organization_id=tenant.id,
                    rule_version_id=compiler.rule_version.version_id,
                    hits=compiler.hits(organization_id=tenant.id, due_by=date.max),
                    now=now,
                )
    return total
