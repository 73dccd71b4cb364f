-- What a person is told who is asked about a plan: numbers, never titles.
--   plan_id  bigint
SELECT
    plan.id AS plan_id,
    plan.organization_id,
    organization.slug AS organization,
    organization.time_zone,
    organization.reprieve_days,
    plan.kind,
    plan.state,
    plan.mode,
    rule.name || '@' || version.version AS rule,
    version.author,
    plan.requested_by,
    plan.as_of,
    plan.created_at,
    plan.approval_reason,
    plan.required_stages,
    plan.unknown_count,
    plan.blocked_count,
    version.definition -> 'review' AS review
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE plan.id = %(plan_id)s;
