-- What was asked under a key, and what was answered.
--   requested_by  text
--   key           text
--   since         timestamptz  older ones count no more
-- Returns request_digest bytea, status smallint (NULL: it was never finished), media_type text,
-- body bytea; at most one row.
SELECT
    request_digest,
    status,
    media_type,
    body
FROM idempotency_keys
WHERE requested_by = %(requested_by)s AND key = %(key)s AND created_at > %(since)s;
