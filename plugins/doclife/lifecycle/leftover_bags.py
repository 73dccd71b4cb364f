"""Clears away bags that were never sealed, and leaves what may be the only copy of something."""

import logging

from doclife.storage.bags import remove_bag
from doclife.storage.reading import stat
from doclife.storage.stores import Stores
from doclife.store import bags
from doclife.store.connection import Connection

logger = logging.getLogger(__name__)


def clear_leftover(
    conn: Connection, *, bag_id: int, uri: str, is_inherited: bool, stores: Stores
) -> None:
    """Forget a bag that the catalogue knows as half written, and remove what there is of it.

    Its items wait for another bag.

    :param is_inherited: it was begun before this database took the place of another one. That one
        may have sealed it after the backup and removed originals since: unless all of them are
        there, the bytes of the bag stay.
    :raises StorageError: it cannot be removed, or a store does not say; then nothing was changed.
    """
    if is_inherited and not _has_originals(conn, bag_id, stores):
        logger.info("Bag %s is of before the restore and forgotten; %s stays", bag_id, uri)
    else:
        logger.info("Bag %s was left half written; removing %s", bag_id, uri)
        remove_bag(stores, uri=uri)
    bags.forget(conn, bag_id)


def _has_originals(conn: Connection, bag_id: int, stores: Stores) -> bool:
    for original in bags.list_originals(conn, bag_id):
        found = stat(stores, uri=original.uri, version_id=original.version_id)
        if found is None or found.size_bytes != original.size_bytes:
            return False
    return True
