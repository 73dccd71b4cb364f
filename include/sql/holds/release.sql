-- Release documents from a matter; they are free when this was their last hold. The documents are
-- locked first and in the order in which everybody locks them. Events and audit entries are written
-- by trigger.
--   matter_id     bigint
--   document_ids  bigint[]     NULL releases all
--   actor         text
--   reason        text         may be NULL
--   now           timestamptz
-- Returns document_id of each that was released.
WITH locked AS MATERIALIZED (
    SELECT document.id AS document_id
    FROM documents AS document
    WHERE
        document.id IN (
            SELECT hold.document_id
            FROM matter_documents AS hold
            WHERE
                hold.matter_id = %(matter_id)s
                AND hold.released_at IS NULL
                AND (
                    %(document_ids)s::bigint [] IS NULL
                    OR hold.document_id = ANY(%(document_ids)s::bigint [])
                )
        )
    ORDER BY document.id
    FOR NO KEY UPDATE
)

UPDATE matter_documents AS hold
SET released_at = %(now)s, released_by = %(actor)s, release_reason = %(reason)s
FROM locked
WHERE
    hold.matter_id = %(matter_id)s
    AND hold.document_id = locked.document_id
    AND hold.released_at IS NULL
RETURNING hold.document_id;
