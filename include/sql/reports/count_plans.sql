-- Plans that are not closed: waiting for a person, ready, or being applied.
--   organization  text  NULL for all
-- Returns organization, state, plans, documents.
SELECT
    organization.slug AS organization,
    plan.state,
    count(*) AS plans,
    coalesce(sum(plan.document_count), 0)::bigint AS documents
FROM plans AS plan
INNER JOIN organizations AS organization ON plan.organization_id = organization.id
WHERE
    (%(organization)s::text IS NULL OR organization.slug = %(organization)s)
    AND plan.mode = 'enforce'
    AND plan.state IN ('planned', 'needs_approval', 'approved', 'applying')
GROUP BY organization.slug, plan.state
ORDER BY organization.slug, plan.state;
