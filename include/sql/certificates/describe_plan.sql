-- What a certificate says of its plan and organization.
--   plan_id  bigint
-- Returns one row.
SELECT
    plan.id AS plan_id,
    organization.id AS organization_id,
    organization.slug AS organization,
    organization.name AS organization_name,
    organization.time_zone,
    deployment.deployment_id,
    plan.requested_by,
    plan.approval_reason,
    plan.created_at,
    plan.approved_at,
    plan.applied_at
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
CROSS JOIN deployment
WHERE plan.id = %(plan_id)s;
