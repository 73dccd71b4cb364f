-- The documents that some external ids name.
--   organization_id  bigint
--   external_ids     text[]
-- Returns external_id, document_id; ids that name nothing are left out.
SELECT
    external_id,
    id AS document_id
FROM documents
WHERE organization_id = %(organization_id)s AND external_id = ANY(%(external_ids)s::text []);
