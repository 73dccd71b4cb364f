-- Keep what is asked under a key and, once it is done, what was answered. While a key counts, it stays
-- as old as its first request: what that one has begun is named after its moment.
--   requested_by     text
--   key              text
--   organization_id  bigint
--   request_digest   bytea
--   now              timestamptz
--   since            timestamptz  older ones count no more
--   status           smallint  NULL: it is being done
--   media_type       text      or NULL
--   body             bytea     or NULL
INSERT INTO idempotency_keys (
    requested_by, key, organization_id, request_digest, created_at, status, media_type, body
)
VALUES (
    %(requested_by)s, %(key)s, %(organization_id)s, %(request_digest)s, %(now)s, %(status)s,
    %(media_type)s, %(body)s
)
ON CONFLICT (requested_by, key) DO UPDATE
SET
    organization_id = excluded.organization_id,
    request_digest = excluded.request_digest,
    created_at = CASE
        WHEN idempotency_keys.created_at > %(since)s THEN idempotency_keys.created_at
        ELSE excluded.created_at
    END,
    status = excluded.status,
    media_type = excluded.media_type,
    body = excluded.body,
    taken_until = NULL;
