-- Which of some documents a matter's hold came too late for.
--   matter_id     bigint
--   document_ids  bigint[]  NULL for every document of the matter
--   size          integer   at most so many
SELECT
    hold.document_id,
    document.external_id,
    hold.too_late_since
FROM matter_documents AS hold
INNER JOIN documents AS document ON hold.document_id = document.id
WHERE
    hold.matter_id = %(matter_id)s
    AND hold.too_late_since IS NOT NULL
    AND hold.released_at IS NULL
    AND (
        %(document_ids)s::bigint [] IS NULL
        OR hold.document_id = ANY(%(document_ids)s::bigint [])
    )
ORDER BY document.external_id
LIMIT %(size)s;
