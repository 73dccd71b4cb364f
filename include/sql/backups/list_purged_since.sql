-- What was destroyed since a moment.
--   since  timestamptz
-- Returns document_id.
SELECT id AS document_id
FROM documents
WHERE status = 'purged' AND purged_at >= %(since)s
ORDER BY id;
