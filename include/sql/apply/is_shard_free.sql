-- Whether nobody is at work on a shard; nobody can begin to until this transaction ends.
--   plan_id, action_index, shard
SELECT pg_try_advisory_xact_lock(hashtextextended(
    'doclife shard ' || %(plan_id)s || ' ' || %(action_index)s || ' ' || %(shard)s, 0
));
