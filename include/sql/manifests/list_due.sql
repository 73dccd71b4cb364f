-- The plans that have destroyed more than their last manifest says.
-- Returns plan_id, organization, organization_id and document_count.
SELECT
    destroyed.plan_id,
    organization.slug AS organization,
    organization.id AS organization_id,
    destroyed.document_count
FROM (
    SELECT
        plan_id,
        min(organization_id) AS organization_id,
        count(*) AS document_count
    FROM certificate_items
    GROUP BY plan_id
) AS destroyed
INNER JOIN organizations AS organization ON destroyed.organization_id = organization.id
WHERE
    destroyed.document_count > coalesce(
        (
            SELECT max(manifest.document_count)
            FROM purge_manifests AS manifest
            WHERE manifest.plan_id = destroyed.plan_id
        ),
        0
    )
ORDER BY destroyed.plan_id;
