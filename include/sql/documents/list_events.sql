-- What applications said has happened to a document, the newest first. Our own events say what the
-- audit trail says too, and are not indexed by document.
--   document_id  bigint
--   size         integer
SELECT
    id,
    type,
    occurred_on,
    recorded_at,
    actor,
    payload,
    withdrawn_at,
    withdrawn_by
FROM events
WHERE document_id = %(document_id)s AND is_external
ORDER BY id DESC
LIMIT %(size)s;
