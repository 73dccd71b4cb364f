-- One plan with its organization and rule.
--   plan_id  bigint
SELECT
    plan.id AS plan_id,
    plan.organization_id,
    organization.slug AS organization,
    organization.time_zone,
    organization.reprieve_days,
    plan.kind,
    rule.name || '@' || version.version AS rule,
    plan.rule_version_id,
    plan.options,
    plan.mode,
    plan.as_of,
    plan.state,
    plan.approval_reason,
    plan.breaker,
    plan.population,
    plan.document_count,
    plan.total_bytes,
    plan.unknown_count,
    plan.blocked_count,
    plan.requested_by,
    plan.dag_id,
    plan.run_id,
    plan.created_at,
    plan.applying_at,
    plan.applied_at,
    plan.undone_at,
    plan.items_pruned_at,
    version.definition
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
WHERE plan.id = %(plan_id)s;
