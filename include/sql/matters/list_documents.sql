-- A page of the documents that are, or were, under a matter, in the order of their external ids.
--   matter_id  bigint
--   after      text     the last external id of the page before; NULL to begin
--   size       integer
SELECT
    document.external_id,
    document.title,
    document.document_type,
    document.owner,
    document.status,
    document.size_bytes,
    CASE
        WHEN hold.released_at IS NOT NULL THEN 'released'
        WHEN hold.too_late_since IS NOT NULL THEN 'too_late'
        ELSE 'held'
    END AS hold,
    hold.basis,
    document.hold_count,
    hold.added_by,
    hold.added_at,
    hold.released_by,
    hold.released_at,
    hold.release_reason,
    hold.too_late_since
FROM matter_documents AS hold
INNER JOIN documents AS document ON hold.document_id = document.id
WHERE
    hold.matter_id = %(matter_id)s
    AND (%(after)s::text IS NULL OR document.external_id > %(after)s)
ORDER BY document.external_id
LIMIT %(size)s;
