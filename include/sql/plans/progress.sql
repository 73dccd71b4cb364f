-- How far a plan has come.
--   plan_id  bigint
-- Returns one row of bigint: items, done, skipped, failed, total_bytes, done_bytes.
SELECT
    coalesce(sum(item_count), 0)::bigint AS items,
    coalesce(sum(done_count), 0)::bigint AS done,
    coalesce(sum(skipped_count), 0)::bigint AS skipped,
    coalesce(sum(failed_count), 0)::bigint AS failed,
    coalesce(sum(total_bytes), 0)::bigint AS total_bytes,
    coalesce(sum(done_bytes), 0)::bigint AS done_bytes
FROM plan_shards
WHERE plan_id = %(plan_id)s;
