-- Put documents under a matter; one that was released from it is held again. Documents are taken in
-- the order of their ids, as everybody takes them.
--   matter_id        bigint
--   organization_id  bigint
--   document_ids     bigint[]
--   actor            text
--   now              timestamptz
-- Returns document_id and too_late_since (when destruction had begun before the hold came).
INSERT INTO matter_documents AS held (matter_id, document_id, added_by, added_at)
SELECT
    %(matter_id)s,
    document.id,
    %(actor)s,
    %(now)s
FROM documents AS document
WHERE
    document.id = ANY(%(document_ids)s::bigint [])
    AND document.organization_id = %(organization_id)s
ORDER BY document.id
ON CONFLICT (matter_id, document_id) DO UPDATE
SET
    released_at = NULL,
    released_by = NULL,
    added_by = excluded.added_by,
    added_at = excluded.added_at,
    too_late_since = excluded.too_late_since
WHERE held.released_at IS NOT NULL
RETURNING document_id, too_late_since;
