-- Where calls go: the endpoints of some jobs.
--   endpoint_ids  bigint[]
SELECT
    id AS endpoint_id,
    organization_id,
    name,
    url,
    connection_id,
    headers,
    timeout_seconds,
    max_concurrency,
    max_per_second::float8 AS max_per_second
FROM webhook_endpoints
WHERE id = ANY(%(endpoint_ids)s);
