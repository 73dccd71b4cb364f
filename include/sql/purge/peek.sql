-- The next documents of a shard, without a lock: their bytes are checked before any is condemned.
--   plan_id, action_index, shard
--   size  integer
SELECT document_id
FROM plan_items
WHERE
    plan_id = %(plan_id)s
    AND action_index = %(action_index)s
    AND shard = %(shard)s
    AND state = 'planned'
ORDER BY document_id
LIMIT %(size)s;
