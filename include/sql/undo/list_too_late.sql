-- Those of the documents whose destruction has begun.
--   organization_id  bigint
--   document_ids     bigint[]
-- Returns document_id, external_id, too_late_since: when it began.
SELECT
    id AS document_id,
    external_id,
    coalesce(purging_at, purged_at) AS too_late_since
FROM documents
WHERE
    id = ANY(%(document_ids)s::bigint [])
    AND organization_id = %(organization_id)s
    AND status IN ('purging', 'purged')
ORDER BY id;
