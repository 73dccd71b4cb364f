-- Change what is not NULL of an endpoint. Its rest is over: perhaps this is what was wrong.
--   endpoint_id      bigint
--   url              text     checked by the guard
--   headers          jsonb
--   timeout_seconds  integer
--   max_concurrency  integer
--   max_per_second   numeric  0 for no limit
UPDATE webhook_endpoints
SET
    url = coalesce(%(url)s, url),
    headers = coalesce(%(headers)s, headers),
    timeout_seconds = coalesce(%(timeout_seconds)s, timeout_seconds),
    max_concurrency = coalesce(%(max_concurrency)s, max_concurrency),
    max_per_second = nullif(coalesce(%(max_per_second)s, max_per_second), 0),
    rests_until = NULL,
    rest_reason = NULL
WHERE id = %(endpoint_id)s;
