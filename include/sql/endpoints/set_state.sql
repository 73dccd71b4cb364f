-- Pause, disable or enable an endpoint. An enabled one begins anew: what it failed at before does
-- not count against it.
--   endpoint_id  bigint
--   state        text    enabled, paused or disabled
--   reason       text    why it is disabled, else NULL
UPDATE webhook_endpoints
SET
    state = %(state)s,
    disabled_reason = %(reason)s,
    failing_since = CASE WHEN %(state)s = 'enabled' THEN NULL ELSE failing_since END,
    rests_until = NULL,
    rest_reason = NULL
WHERE id = %(endpoint_id)s;
