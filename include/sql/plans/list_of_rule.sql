-- The newest plans of a rule, of whichever version.
--   organization_id  bigint
--   name             text
--   before           bigint   only plans with a smaller id, for the next page; NULL to begin
--   size             integer
SELECT
    plan.id AS plan_id,
    version.version,
    plan.mode,
    plan.state,
    plan.approval_reason,
    plan.breaker <> '[]' AS is_tripped,
    plan.document_count,
    plan.unknown_count,
    plan.blocked_count,
    plan.requested_by,
    plan.created_at,
    (
        SELECT coalesce(sum(shard.failed_count), 0)::bigint
        FROM plan_shards AS shard
        WHERE shard.plan_id = plan.id
    ) AS failed_count
FROM rules AS rule
INNER JOIN rule_versions AS version ON rule.id = version.rule_id
INNER JOIN plans AS plan ON version.id = plan.rule_version_id
WHERE
    rule.organization_id = %(organization_id)s
    AND rule.name = %(name)s
    AND (%(before)s::bigint IS NULL OR plan.id < %(before)s)
ORDER BY plan.id DESC
LIMIT %(size)s;
