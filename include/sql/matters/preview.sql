-- What a condition would put under a matter: nothing is held.
--   organization_id  bigint
--   {catches}        the compiled condition over candidates: matter_id, document_id, basis
-- Returns basis, status, documents, bytes, examples (text[]: the first external ids).
WITH candidates AS (
    SELECT id AS document_id
    FROM documents
    WHERE organization_id = %(organization_id)s AND status <> 'purged'
)

SELECT
    caught.basis,
    document.status,
    count(*) AS documents,
    coalesce(sum(document.size_bytes), 0)::bigint AS bytes,
    (array_agg(document.external_id ORDER BY document.external_id))[1:3] AS examples
FROM ({catches}) AS caught
INNER JOIN documents AS document ON caught.document_id = document.id
GROUP BY caught.basis, document.status
ORDER BY caught.basis, document.status;
