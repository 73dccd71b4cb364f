-- What is under legal hold now, by matter; a document of two matters counts in both.
--   organization_id  bigint
-- Returns matter, documents and size_bytes.
SELECT
    matter.name AS matter,
    count(*) AS documents,
    coalesce(sum(document.size_bytes), 0)::bigint AS size_bytes
FROM matters AS matter
INNER JOIN matter_documents AS held
    ON
        matter.id = held.matter_id
        AND held.released_at IS NULL
        AND held.too_late_since IS NULL
INNER JOIN documents AS document ON held.document_id = document.id
WHERE matter.organization_id = %(organization_id)s
GROUP BY matter.name
ORDER BY documents DESC, matter.name ASC;
