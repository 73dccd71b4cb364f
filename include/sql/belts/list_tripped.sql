-- The plans that exceeded a limit, the newest first.
--   organization  text         short name; NULL for all
--   since         timestamptz
--   size          integer
SELECT
    plan.id AS plan_id,
    organization.slug AS organization,
    rule.name AS rule,
    plan.kind,
    plan.state,
    plan.created_at,
    plan.document_count,
    plan.breaker AS trips
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE
    plan.breaker <> '[]'
    AND plan.created_at >= %(since)s
    AND (%(organization)s::text IS NULL OR organization.slug = %(organization)s)
ORDER BY plan.id DESC
LIMIT %(size)s;
