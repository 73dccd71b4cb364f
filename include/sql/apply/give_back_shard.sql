-- Let others work on a shard.
--   plan_id, action_index, shard
SELECT pg_advisory_unlock(hashtextextended(
    'doclife shard ' || %(plan_id)s || ' ' || %(action_index)s || ' ' || %(shard)s, 0
));
