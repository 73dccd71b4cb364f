-- Where a search that goes through so many documents ends: the external id of the last of them, in the
-- order of documents/list; no row when there are fewer.
--   organization_id  bigint
--   after            text    only external ids after this one; NULL to begin
--   most             bigint  how many documents
SELECT document.external_id
FROM documents AS document
WHERE
    document.organization_id = %(organization_id)s
    AND (%(after)s::text IS NULL OR document.external_id > %(after)s)
ORDER BY document.external_id
LIMIT 1 OFFSET %(most)s - 1;
