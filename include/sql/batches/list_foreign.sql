-- Which of these ids name no document of an organization.
--   organization_id  bigint
--   document_ids     bigint[]
--   size             integer   at most so many
SELECT chosen.document_id
FROM unnest(%(document_ids)s::bigint []) AS chosen (document_id)
LEFT JOIN documents AS document
    ON chosen.document_id = document.id AND document.organization_id = %(organization_id)s
WHERE document.id IS NULL
ORDER BY chosen.document_id
LIMIT %(size)s;
