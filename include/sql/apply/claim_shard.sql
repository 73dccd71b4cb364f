-- Be the only one at work on a shard until the session ends or gives it back; false when another
-- process is. A task that was given up for dead and its successor may run side by side.
--   plan_id, action_index, shard
SELECT pg_try_advisory_lock(hashtextextended(
    'doclife shard ' || %(plan_id)s || ' ' || %(action_index)s || ' ' || %(shard)s, 0
));
