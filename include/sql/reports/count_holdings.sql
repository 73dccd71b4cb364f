-- What an organization has now, by status.
--   organization_id  bigint
-- Returns status, documents and size_bytes; purged documents have no bytes any more.
SELECT
    status,
    count(*) AS documents,
    coalesce(sum(size_bytes) FILTER (WHERE status <> 'purged'), 0)::bigint AS size_bytes
FROM documents
WHERE organization_id = %(organization_id)s
GROUP BY status
ORDER BY status;
