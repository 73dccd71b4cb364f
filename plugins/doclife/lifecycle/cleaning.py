"""Sweeps what killed runs left behind, and keeps the history to what is asked of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from doclife.errors import StorageError, TryAgainLater
from doclife.lifecycle.leftover_bags import clear_leftover
from doclife.lifecycle.repeating import forget_old_keys
from doclife.lifecycle.rewriting import take_out_unreferenced
from doclife.storage.stores import Stores
from doclife.store import (
    bags,
    batches,
    cleaning,
    delivery_events,
    import_runs,
    notifications,
    queue,
    stored_plans,
)
from doclife.store.connection import Connection

HISTORY_DAYS = 90
"""Delivery history older than this is dropped; the audit trail is never pruned."""
PRUNED_AT_ONCE = 10_000
"""Rows of one transaction, where there is no partition to drop."""
UNREAD_DAYS = 365
"""What nobody has read in the dashboard stays so long; what was read, HISTORY_DAYS."""
SKIPPED_DAYS = 400
"""What the plans that were applied left out: the longest report looks a year back."""
PARTITIONS_AHEAD_DAYS = cleaning.PARTITIONS_AHEAD_DAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneOutcome:
    """What pruning did."""

    partitions_made: int
    partitions_dropped: int
    rows_dropped: int
    """Of days that had no partition, because no cleanup had made one."""


def sweep_bags(conn: Connection, *, now: datetime, stores: Stores) -> int:
    """Remove bags that were never sealed and finish those half rewritten; return how many.

    Only bags that were begun an hour ago and that nobody is at work on are taken. One that cannot
    be swept keeps none of the others from it.

    :raises TryAgainLater: some could not be swept; each is named with its reason.
    """
    swept, failures = 0, []
    for bag in cleaning.list_unfinished_bags(conn, now=now):
        try:
            if bag.state == "writing":
                swept += _remove_half_written(conn, bag, stores)
            else:
                take_out_unreferenced(conn, bag_id=bag.bag_id, stores=stores, now=now)
                swept += 1
        except StorageError as error:
            failures.append(f"bag {bag.bag_id}: {error}")
    if failures:
        raise TryAgainLater(
            f"not every archive bag could be swept ({swept} were): {'; '.join(failures)}"
        )
    return swept


def _remove_half_written(conn: Connection, bag: cleaning.UnfinishedBag, stores: Stores) -> bool:
    """Remove a bag that nobody writes; a large document may well take longer than an hour."""
    with conn.transaction():
        shards = bags.list_shards(conn, bag.bag_id)
        if not all(batches.is_shard_free(conn, shard) for shard in shards):
            return False
        clear_leftover(
            conn, bag_id=bag.bag_id, uri=bag.uri, is_inherited=bag.is_inherited, stores=stores
        )
        return True


def prune_history(conn: Connection, *, now: datetime) -> PruneOutcome:
    """Make the partitions of the coming days and drop those past ``HISTORY_DAYS``.

    What mail services told goes with the attempts that it is about, and with them what plans that
    never acted would have done; the answers that are kept for requests that come twice go after a
    day, unique keys of jobs when they have expired. What was done to a document is never forgotten.
    Calls that lost their endpoint are given up. What is no partition goes in batches, each
    committed by itself; killed and called again, it goes on.
    """
    today, aged = now.date(), now - timedelta(days=HISTORY_DAYS)
    _in_batches(partial(delivery_events.prune, conn, before=aged))
    forget_old_keys(conn, now=now)
    _forget_keys_of_jobs(conn, now=now)
    _forget_what_was_not_done(conn, now=now)
    _in_batches(
        partial(
            notifications.prune,
            conn,
            read_before=aged,
            unread_before=now - timedelta(days=UNREAD_DAYS),
        )
    )
    queue.give_up_strays(conn)
    _in_batches(partial(import_runs.prune, conn, before=aged))
    made = cleaning.make_partitions_ahead(conn, today=today)
    dropped = sum(
        cleaning.drop_partition(conn, parent=partition.parent, day=partition.day)
        for partition in cleaning.list_partitions(conn)
        if _is_past(partition.day, today)
    )
    rows = sum(
        _in_batches(
            partial(
                cleaning.prune_default,
                conn,
                parent=parent,
                before=today - timedelta(days=HISTORY_DAYS),
            )
        )
        for parent in cleaning.HISTORY_TABLES
    )
    return PruneOutcome(partitions_made=made, partitions_dropped=dropped, rows_dropped=rows)


def _in_batches(prune: Callable[..., int]) -> int:
    """Prune until a batch is not full any more; return how many rows went."""
    total = 0
    while gone := prune(size=PRUNED_AT_ONCE):
        total += gone
        if gone < PRUNED_AT_ONCE:
            break
    return total


def _forget_keys_of_jobs(conn: Connection, *, now: datetime) -> None:
    """Go through the keys once: no index knows their age, which each stored job would pay for."""
    after = (0, "")
    while True:
        pruned = cleaning.prune_keys(conn, after=after, now=now, size=PRUNED_AT_ONCE)
        if pruned.organization_id is None or pruned.unique_key is None:
            return
        after = (pruned.organization_id, pruned.unique_key)


def _forget_what_was_not_done(conn: Connection, *, now: datetime) -> None:
    """Leave of old plans what they did; those that never acted are left with their counts alone."""
    while (
        stored_plans.prune_items(
            conn,
            idle_before=now - timedelta(days=HISTORY_DAYS),
            skipped_before=now - timedelta(days=SKIPPED_DAYS),
            size=PRUNED_AT_ONCE,
        )
        is not None
    ):
        pass


def _is_past(day: date, today: date) -> bool:
    return day < today - timedelta(days=HISTORY_DAYS)
