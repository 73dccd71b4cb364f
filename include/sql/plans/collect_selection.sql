-- Collect the documents that a person, a job or an event chose.
--   plan_id          bigint
--   organization_id  bigint
--   document_ids     bigint[]  documents of other organizations are passed over
--   action           text
--   today            date
--   reason           text
INSERT INTO pg_temp.hits (plan_id, document_id, action_index, action, due_on, reason)
SELECT
    %(plan_id)s,
    document.id,
    0,
    %(action)s,
    %(today)s,
    %(reason)s
FROM documents AS document
WHERE
    document.organization_id = %(organization_id)s
    AND document.id = ANY(%(document_ids)s::bigint [])
    -- What is archived already is not archived once more.
    AND (
        document.status = 'active'
        OR (document.status = 'archived' AND %(action)s <> 'ARCHIVE')
    );
