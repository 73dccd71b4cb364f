-- The documents of one organization or all, counted.
--   organization  text  NULL for all
-- Returns per organization and status: organization, status, documents, size_bytes, held, expired.
SELECT
    organization.slug AS organization,
    document.status,
    count(*) AS documents,
    coalesce(sum(document.size_bytes), 0)::bigint AS size_bytes,
    count(*) FILTER (WHERE document.hold_count > 0) AS held,
    count(*) FILTER (WHERE document.expired_at IS NOT NULL) AS expired
FROM documents AS document
INNER JOIN organizations AS organization ON document.organization_id = organization.id
WHERE %(organization)s::text IS NULL OR organization.slug = %(organization)s
GROUP BY organization.slug, document.status
ORDER BY organization.slug, document.status;
