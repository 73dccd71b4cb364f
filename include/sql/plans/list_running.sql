-- The plans of an organization that are being applied, the newest first, with how far they have come.
--   organization_id  bigint
--   size             integer
-- Returns plan_id, rule (NULL for chosen documents), kind, requested_by, applying_at; and as bigint
-- items, finished, failed.
SELECT
    plan.id AS plan_id,
    rule.name || '@' || version.version AS rule,
    plan.kind,
    plan.requested_by,
    plan.applying_at,
    progress.items,
    progress.finished,
    progress.failed
FROM plans AS plan
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(shard.item_count), 0)::bigint AS items,
        coalesce(sum(shard.done_count + shard.skipped_count + shard.failed_count), 0)::bigint
            AS finished,
        coalesce(sum(shard.failed_count), 0)::bigint AS failed
    FROM plan_shards AS shard
    WHERE shard.plan_id = plan.id
) AS progress
WHERE plan.organization_id = %(organization_id)s AND plan.state = 'applying'
ORDER BY plan.id DESC
LIMIT %(size)s;
