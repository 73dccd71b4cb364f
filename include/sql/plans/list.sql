-- The newest plans first.
--   organization  text     only this one; NULL for all
--   state         text     only this state; NULL for all
--   mode          text     only this mode; NULL for both
--   search        text     only rules or people whose name contains this; NULL for all
--   is_failed     boolean  only those in which something failed; false for all
--   dag_id        text     only those that this DAG has stored; NULL for all
--   run_id        text     only those that this run has stored; NULL for all
--   before        bigint   only plans with a smaller id, for the next page; NULL to begin
--   size          integer
SELECT
    plan.id AS plan_id,
    organization.slug AS organization,
    plan.kind,
    rule.name || '@' || version.version AS rule,
    plan.mode,
    plan.state,
    plan.approval_reason,
    plan.document_count,
    plan.total_bytes,
    plan.unknown_count,
    plan.blocked_count,
    plan.requested_by,
    plan.dag_id,
    plan.run_id,
    plan.as_of,
    plan.created_at,
    plan.applying_at,
    plan.applied_at,
    progress.done_count,
    progress.skipped_count,
    progress.failed_count
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
LEFT JOIN LATERAL (
    SELECT
        coalesce(sum(shard.done_count), 0)::bigint AS done_count,
        coalesce(sum(shard.skipped_count), 0)::bigint AS skipped_count,
        coalesce(sum(shard.failed_count), 0)::bigint AS failed_count
    FROM plan_shards AS shard
    WHERE shard.plan_id = plan.id
) AS progress ON TRUE
WHERE
    (%(organization)s::text IS NULL OR organization.slug = %(organization)s)
    AND (%(state)s::text IS NULL OR plan.state = %(state)s)
    AND (%(mode)s::text IS NULL OR plan.mode = %(mode)s)
    AND (
        %(search)s::text IS NULL
        OR strpos(lower(rule.name), lower(%(search)s)) > 0
        OR strpos(lower(plan.requested_by), lower(%(search)s)) > 0
    )
    AND (NOT %(is_failed)s OR progress.failed_count > 0)
    AND (%(dag_id)s::text IS NULL OR plan.dag_id = %(dag_id)s)
    AND (%(run_id)s::text IS NULL OR plan.run_id = %(run_id)s)
    AND (%(before)s::bigint IS NULL OR plan.id < %(before)s)
ORDER BY plan.id DESC
LIMIT %(size)s;
