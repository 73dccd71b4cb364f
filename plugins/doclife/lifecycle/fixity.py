"""FIXITY: looks, a few each week, whether stored bytes are still the recorded ones.

What was not looked at for longest comes first, and what never was before all. Every set of bytes is
recorded when it was read, so that a killed check goes on behind it. Nothing is changed: who is told
of damage mends it, and the next look says so.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from doclife.domain.own_events import OwnEvent
from doclife.errors import RefusedError, StorageError, TryAgainLater
from doclife.lifecycle.alerting import alert_operators
from doclife.storage.bags import in_parallel
from doclife.storage.fixity import Examined, Finding, examine
from doclife.storage.removal import Recorded
from doclife.storage.stores import Stores
from doclife.store import audit, fixity, organizations, switches
from doclife.store.connection import Connection
from doclife.store.fixity import FixityCheck, StoredBytes

SET_OBJECTS = 200
"""Objects between two commits: what a kill lets be read once more."""
SET_BYTES = 256 * 1024 * 1024
"""Bytes between two commits; a larger object is a set of its own."""
MOST_OBJECTS = 200_000
"""Objects in one check: where bytes are many and small, or cost nothing because they are cold, the
budget alone would let it go on for days."""
MOST_UNREADABLE = 100
"""A store with so many objects that cannot be read is left alone until the next check."""
SHARE_OF_DAMAGED = 10
"""One so-many-th of the budget goes, at most, into looking whether known damage is mended."""
NAMED_IN_ALERTS = 20


@dataclass(frozen=True, kw_only=True)
class FixityOutcome:
    """What a check came to."""

    check: FixityCheck
    left_out: Sequence[str]
    """Stores that were not asked, or no longer, and why."""
    unreadable: Mapping[int, str]
    """Objects of which nothing is known, and why; these texts name files."""


@dataclass(kw_only=True)
class _Progress:
    """What a check has come across on its way; a few lines however much is read."""

    left_out: dict[int, str] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)
    unreadable_of: Counter[int] = field(default_factory=Counter)
    """How many of those each store has."""


def check_fixity(
    conn: Connection,
    *,
    stores: Stores,
    now: Callable[[], datetime],
    dag_id: str,
    run_id: str,
    actor: str,
    budget_bytes: int | None = None,
    only_damaged: bool = False,
) -> FixityOutcome:
    """Look at bytes until the budget is read; known damage first, for a tenth of it.

    Called again for the same run it goes on with what is left of the budget, and after its end does
    nothing. An object larger than what is left waits for the next check, unless nothing but known
    damage was read yet. What cannot be reached is left out and said; only what is seen is believed.

    :param budget_bytes: None for the deployment's own (10 GB unless somebody changed it).
    :param only_damaged: only what is known to be damaged, with the whole budget.
    :raises RefusedError: everything is halted.
    :raises TryAgainLater: another check is at work.
    """
    if not fixity.try_lock(conn):
        raise TryAgainLater("another fixity check is at work; wait for it.")
    try:
        begun = fixity.begin(
            conn,
            dag_id=dag_id,
            run_id=run_id,
            actor=actor,
            now=now(),
            budget_bytes=budget_bytes,
        )
        progress = _Progress()
        if begun.ended_at is None:
            check = _Check(conn, stores, now, actor, begun, progress)
            whole = begun.budget_bytes
            # One object may exceed a budget, else it never had its turn: one in all, however often
            # the check is tried, and not what is damaged, which would keep all else from its own.
            is_first = begun.byte_count == 0
            if only_damaged:
                check.read(whole, is_damaged=True, must_begin=is_first)
            else:
                check.read(whole // SHARE_OF_DAMAGED, is_damaged=True, must_begin=False)
                check.read(whole, is_damaged=False, must_begin=is_first)
            _end(conn, begun.check_id, progress, now=now(), actor=actor)
        return FixityOutcome(
            check=fixity.find(conn, begun.check_id),
            left_out=[*progress.left_out.values()],
            unreadable=progress.unreadable,
        )
    finally:
        fixity.unlock(conn)


class _Check:
    """One check at work."""

    def __init__(
        self,
        conn: Connection,
        stores: Stores,
        now: Callable[[], datetime],
        actor: str,
        begun: fixity.BegunCheck,
        progress: _Progress,
    ) -> None:
        self._conn = conn
        self._stores = {store.record.store_id: store for store in stores}
        self._all_stores = stores
        self._now = now
        self._actor = actor
        self._begun = begun
        self._progress = progress
        self._read = begun.byte_count
        self._looked_at = 0

    def read(self, budget: int, *, is_damaged: bool, must_begin: bool) -> None:
        """Look at sets until so many bytes are read in all, by earlier calls too.

        :param must_begin: the first object may exceed the budget; without it those that are larger
            than all of it are passed over.
        """
        passes_over, last = not must_begin, None
        while self._read < budget and self._looked_at < MOST_OBJECTS:
            _require_running(self._conn)
            candidates = fixity.list_next(
                self._conn,
                before=self._begun.started_at,
                after=last,
                left_out=[*self._progress.left_out],
                size=SET_OBJECTS,
                is_damaged=is_damaged,
            )
            if passes_over:
                candidates = [each for each in candidates if self._cost(each) <= budget]
            chosen = self._affordable(candidates, budget, must_begin=must_begin)
            if not chosen:
                return
            before, last = self._read, chosen[-1]
            self._look_at(chosen)
            must_begin = must_begin and self._read == before

    def _affordable(
        self, candidates: Sequence[StoredBytes], budget: int, *, must_begin: bool
    ) -> list[StoredBytes]:
        """Return the first ones that may be read together.

        :param must_begin: the first one may exceed the budget; else it never has its turn.
        """
        chosen: list[StoredBytes] = []
        size = 0
        for each in candidates:
            size += self._cost(each)
            exceeds = self._read + size > budget or size > SET_BYTES
            if exceeds and (chosen or (not must_begin and self._read + size > budget)):
                break
            chosen.append(each)
        return chosen

    def _cost(self, each: StoredBytes) -> int:
        """Return how much will be read of an object, as far as that is known before."""
        is_cold = self._stores[each.store_id].record.is_cold or each.is_cold
        return 0 if is_cold else each.size_bytes

    def _look_at(self, chosen: Sequence[StoredBytes]) -> None:
        reachable = self._reachable(chosen)
        seen = self._examined(reachable)
        by_id = {each.object_id: each for each in reachable}
        hurt = [id_ for id_, found in seen.items() if _is_damage(found)]
        if hurt:
            # Where there is a second copy, whoever is told of the damage must know how that one is.
            second = [
                each
                for each in self._reachable(fixity.list_second_copies(self._conn, hurt))
                if each.object_id not in seen
            ]
            seen |= self._examined(second)
            by_id |= {each.object_id: each for each in second}
        self._record(by_id, seen)

    def _reachable(self, chosen: Sequence[StoredBytes]) -> list[StoredBytes]:
        """Return those whose store carries our marker now; the others' stores are left out."""
        for store_id in {each.store_id for each in chosen} - self._progress.left_out.keys():
            try:
                self._stores[store_id].require_ours()
            except StorageError as error:
                self._progress.left_out[store_id] = str(error)
        return [each for each in chosen if each.store_id not in self._progress.left_out]

    def _examined(self, chosen: Sequence[StoredBytes]) -> dict[int, Examined]:
        found: dict[int, Examined] = {}
        for store_id in sorted({each.store_id for each in chosen}):
            of_store = [each for each in chosen if each.store_id == store_id]
            for each, result in zip(
                of_store, in_parallel(of_store[0].uri, self._examine, of_store), strict=True
            ):
                if isinstance(result, Examined):
                    found[each.object_id] = result
                else:
                    self._progress.unreadable_of[store_id] += (
                        each.object_id not in self._progress.unreadable
                    )
                    self._progress.unreadable[each.object_id] = result
            if self._progress.unreadable_of[store_id] >= MOST_UNREADABLE:
                self._progress.left_out[store_id] = (
                    f"store {self._stores[store_id].record.name!r}: {MOST_UNREADABLE} objects "
                    "could not be read; the rest was not tried"
                )
        return found

    def _examine(self, each: StoredBytes) -> Examined | str:
        """Return what was found, or why nothing is known."""
        try:
            return examine(
                self._all_stores,
                Recorded(
                    uri=each.uri,
                    size_bytes=each.size_bytes,
                    sha256=each.sha256,
                    etag=each.etag,
                    version_id=each.version_id,
                ),
            )
        except StorageError as error:
            return str(error)

    def _record(self, by_id: Mapping[int, StoredBytes], seen: Mapping[int, Examined]) -> None:
        # Not before the check began, whichever clock says so: else it had its turn again.
        now = max(self._now(), self._begun.started_at)
        self._read += sum(found.read_bytes for found in seen.values())
        self._looked_at += len(seen)
        with self._conn.transaction():
            counted = fixity.record_checked(
                self._conn,
                [
                    {"object_id": id_, "sha256": by_id[id_].sha256.hex(), "by": str(found.by)}
                    for id_, found in seen.items()
                ],
                now=now,
            )
            damaged = {id_: seen[id_] for id_ in counted if _is_damage(seen[id_])}
            sound = [id_ for id_ in counted if seen[id_].finding is Finding.SOUND]
            new = fixity.record_damages(
                self._conn,
                [
                    {
                        "object_id": id_,
                        "kind": str(found.finding),
                        "found_bytes": found.found_bytes,
                        "found_sha256": found.found_sha256 and found.found_sha256.hex(),
                    }
                    for id_, found in damaged.items()
                ],
                now=now,
            )
            mended = fixity.record_mended(self._conn, sound, now=now)
            self._tell(OwnEvent.DOCUMENT_DAMAGED, {id_: damaged[id_] for id_ in new}, sound, now)
            self._tell(OwnEvent.DOCUMENT_MENDED, {id_: seen[id_] for id_ in mended}, sound, now)
            fixity.advance(
                self._conn,
                self._begun.check_id,
                objects=len(counted),
                read_bytes=sum(found.read_bytes for found in seen.values()),
                damaged=len(new),
                mended=len(mended),
                cold=sum(seen[id_].finding is Finding.UNKNOWN for id_ in counted),
            )

    def _tell(
        self,
        event: OwnEvent,
        found: Mapping[int, Examined],
        sound: Sequence[int],
        now: datetime,
    ) -> None:
        if not found:
            return
        documents = fixity.announce(
            self._conn,
            event_type=event,
            findings={id_: str(each.finding) for id_, each in found.items()},
            sound_ids=sound,
            now=now,
            actor=self._actor,
        )
        if documents and event is OwnEvent.DOCUMENT_DAMAGED:
            alert_operators(
                self._conn,
                title=f"{len(documents)} document(s) stand on damaged bytes",
                body=f"Document(s) {_named(documents)}. What is damaged, and where a sound copy "
                "is: doclife fixity report",
                now=now,
            )


def _end(
    conn: Connection, check_id: int, progress: _Progress, *, now: datetime, actor: str
) -> None:
    """Close a check, once, with its line in the trail and what operators must know besides."""
    with conn.transaction():
        if not fixity.end(conn, check_id, now=now):
            return
        done = fixity.find(conn, check_id)
        audit.record(
            conn,
            organization_id=organizations.find(conn, "default").id,
            at=now,
            actor=actor,
            action="fixity.checked",
            reason=f"{done.object_count} objects, {done.byte_count} bytes read",
            details={
                "check_id": check_id,
                "objects": done.object_count,
                "bytes": done.byte_count,
                "damaged": done.damaged_count,
                "mended": done.mended_count,
                "cold": done.cold_count,
                "unreadable": len(progress.unreadable),
            },
        )
        if progress.left_out or progress.unreadable:
            alert_operators(
                conn,
                title="Some bytes could not be checked",
                body=" ".join(
                    [
                        *progress.left_out.values(),
                        f"{len(progress.unreadable)} object(s) could not be read."
                        if progress.unreadable
                        else "",
                    ]
                ).strip(),
                now=now,
            )


def _require_running(conn: Connection) -> None:
    halted = switches.read(conn).reason
    if halted is not None:
        raise RefusedError(f"everything is halted: {halted}. Resume, then check again.")


def _is_damage(found: Examined) -> bool:
    return found.finding in (Finding.CHANGED, Finding.MISSING)


def _named(documents: Sequence[int]) -> str:
    named = ", ".join(f"{each}" for each in documents[:NAMED_IN_ALERTS])
    more = len(documents) - NAMED_IN_ALERTS
    return f"{named} and {more} more" if more > 0 else named
