-- What will expire, by type of document.
--   organization_id  bigint
--   today            date     in the organization's zone
--   days             integer  how far ahead
-- Returns document_type (or NULL), documents, size_bytes and first_on.
SELECT
    document_type,
    count(*) AS documents,
    coalesce(sum(size_bytes), 0)::bigint AS size_bytes,
    min(expires_on) AS first_on
FROM documents
WHERE
    organization_id = %(organization_id)s
    AND expires_on BETWEEN %(today)s AND %(today)s + %(days)s
    AND status IN ('active', 'archived')
GROUP BY document_type
ORDER BY documents DESC, document_type ASC;
