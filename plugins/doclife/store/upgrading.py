"""Makes a database ready for this version of the program."""

from doclife.store import clock
from doclife.store.cleaning import make_partitions_ahead
from doclife.store.connection import Connection, prepare
from doclife.store.migrations import migrate


def upgrade(conn: Connection) -> list[str]:
    """Apply pending migrations, make history partitions; return the names of the former.

    Without the latter everything that is done before the first weekly cleanup would lie in the
    default partition, and be forgotten row by row. A second call changes nothing. The connection
    is prepared by it, and must be of the owner, as for migrating.
    """
    applied = migrate(conn)
    prepare(conn, application_name="doclife upgrade")
    make_partitions_ahead(conn, today=clock.present(conn).date())
    return applied
