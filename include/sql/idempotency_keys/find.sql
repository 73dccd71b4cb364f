-- What was asked under a key, and what was answered.
--   requested_by  text
--   key           text
--   since         timestamptz  older ones count no more
-- Returns begun_at timestamptz, request_digest bytea (NULL: what was asked was refused, and the key is
-- free), status smallint (NULL: it was never finished), media_type text, body bytea, taken_until timestamptz
-- (NULL: only a lock of a session says whether somebody is at work on it); at most one row.
SELECT
    created_at AS begun_at,
    request_digest,
    status,
    media_type,
    body,
    taken_until
FROM idempotency_keys
WHERE requested_by = %(requested_by)s AND key = %(key)s AND created_at > %(since)s;
