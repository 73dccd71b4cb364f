-- Collect the documents that an erasure chose: those in use go through the trash, those in it, and those
-- whose destruction began and did not end, are purged.
--   plan_id          bigint
--   organization_id  bigint
--   document_ids     bigint[]  documents of other organizations are passed over
--   today            date
--   reason           text      the authority
INSERT INTO pg_temp.hits (plan_id, document_id, action_index, action, due_on, reason)
SELECT
    %(plan_id)s,
    document.id,
    CASE WHEN document.status IN ('deleted', 'purging') THEN 1 ELSE 0 END,
    CASE WHEN document.status IN ('deleted', 'purging') THEN 'PURGE' ELSE 'DELETE' END,
    %(today)s,
    %(reason)s
FROM documents AS document
WHERE
    document.organization_id = %(organization_id)s
    AND document.id = ANY(%(document_ids)s::bigint [])
    AND document.status IN ('active', 'archived', 'deleted', 'purging');
