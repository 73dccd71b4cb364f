-- How many documents are, or were, under a matter, by what became of them.
--   matter_id  bigint
-- Returns hold (held, released, too_late), status (of the document now), basis, documents, bytes.
SELECT
    CASE
        WHEN hold.released_at IS NOT NULL THEN 'released'
        WHEN hold.too_late_since IS NOT NULL THEN 'too_late'
        ELSE 'held'
    END AS hold,
    document.status,
    hold.basis,
    count(*) AS documents,
    coalesce(sum(document.size_bytes), 0)::bigint AS bytes
FROM matter_documents AS hold
INNER JOIN documents AS document ON hold.document_id = document.id
WHERE hold.matter_id = %(matter_id)s
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;
