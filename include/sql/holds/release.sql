-- Release documents from a matter; they are free when this was their last hold.
--   matter_id     bigint
--   document_ids  bigint[]     NULL releases all
--   actor         text
--   now           timestamptz
-- Returns document_id of each that was released.
UPDATE matter_documents
SET released_at = %(now)s, released_by = %(actor)s
WHERE
    matter_id = %(matter_id)s
    AND released_at IS NULL
    AND (
        %(document_ids)s::bigint [] IS NULL OR document_id = ANY(%(document_ids)s::bigint [])
    )
RETURNING document_id;
