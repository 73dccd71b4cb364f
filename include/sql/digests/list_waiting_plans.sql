-- The plans that wait for a person, oldest first.
--   organization_id  bigint
--   size             integer
-- Returns plan_id, rule (name@version or NULL), document_count, reason, total (all of them).
SELECT
    plan.id AS plan_id,
    rule.name || '@' || version.version AS rule,
    plan.document_count,
    plan.approval_reason AS reason,
    count(*) OVER () AS total
FROM plans AS plan
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE plan.organization_id = %(organization_id)s AND plan.state = 'needs_approval'
ORDER BY plan.created_at, plan.id
LIMIT %(size)s;
