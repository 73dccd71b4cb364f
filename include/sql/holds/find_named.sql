-- Note the documents that somebody named, to be held under a matter.
--   matter_id        bigint
--   organization_id  bigint    documents of other organizations are passed over
--   document_ids     bigint[]
INSERT INTO pg_temp.caught (matter_id, document_id, basis)
SELECT
    %(matter_id)s,
    document.id,
    'named'
FROM documents AS document
WHERE
    document.id = ANY(%(document_ids)s::bigint [])
    AND document.organization_id = %(organization_id)s;
