-- What the plans of each day came to: documents done, skipped and failed.
--   organization_id  bigint
--   since            date  the first day
--   time_zone        text  whose days
-- Simulations do nothing and are not counted. Days without plans have no row.
SELECT
    (plan.created_at AT TIME ZONE %(time_zone)s)::date AS day,
    count(DISTINCT plan.id) AS plans,
    coalesce(sum(shard.done_count), 0)::bigint AS done_count,
    coalesce(sum(shard.skipped_count), 0)::bigint AS skipped_count,
    coalesce(sum(shard.failed_count), 0)::bigint AS failed_count
FROM plans AS plan
LEFT JOIN plan_shards AS shard ON plan.id = shard.plan_id
WHERE
    plan.organization_id = %(organization_id)s
    AND plan.mode = 'enforce'
    AND plan.created_at >= (%(since)s::date)::timestamp AT TIME ZONE %(time_zone)s
GROUP BY day
ORDER BY day;
