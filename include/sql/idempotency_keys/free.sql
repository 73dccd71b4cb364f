-- Let a key be used for any request: the one under it was refused. When it was first used stays known,
-- so that what it had begun all the same is found again.
--   requested_by  text
--   key           text
UPDATE idempotency_keys
SET
    request_digest = NULL,
    status = NULL,
    media_type = NULL,
    body = NULL,
    taken_until = NULL
WHERE requested_by = %(requested_by)s AND key = %(key)s;
