-- Documents by status, counted in a sample of pages, always the same.
--   percent  real  of the pages; 100 counts all
-- Returns organization, status, documents, held (both in the sample).
SELECT
    organization.slug AS organization,
    document.status,
    count(*) AS documents,
    count(*) FILTER (WHERE document.hold_count > 0) AS held
FROM documents AS document TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0)
INNER JOIN organizations AS organization ON document.organization_id = organization.id
GROUP BY organization.slug, document.status;
