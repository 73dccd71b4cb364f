-- Endpoints as people see them, by name, with the jobs that wait for each.
--   organization_id  bigint
--   name             text    only this one, or NULL for all
-- Returns endpoint_id, name, url, connection_id, state, disabled_reason, headers jsonb,
-- timeout_seconds, max_concurrency, max_per_second float8, failing_since,
-- rests_until and rest_reason (NULL when it does not), last_success_at,
-- last_failure_at, event_types text[] (NULL: none), document_types text[] (NULL: all),
-- waiting_jobs bigint.
SELECT
    endpoint.id AS endpoint_id,
    endpoint.name,
    endpoint.url,
    endpoint.connection_id,
    endpoint.state,
    endpoint.disabled_reason,
    endpoint.headers,
    endpoint.timeout_seconds,
    endpoint.max_concurrency,
    endpoint.max_per_second::float8 AS max_per_second,
    endpoint.failing_since,
    CASE WHEN endpoint.rests_until > now() THEN endpoint.rests_until END AS rests_until,
    CASE WHEN endpoint.rests_until > now() THEN endpoint.rest_reason END AS rest_reason,
    endpoint.last_success_at,
    endpoint.last_failure_at,
    wanted.event_types,
    wanted.document_types,
    (
        SELECT count(*)
        FROM jobs AS job
        WHERE job.endpoint_id = endpoint.id
    ) AS waiting_jobs
FROM webhook_endpoints AS endpoint
LEFT JOIN LATERAL (
    SELECT
        subscription.event_types,
        subscription.document_types
    FROM webhook_subscriptions AS subscription
    WHERE subscription.endpoint_id = endpoint.id
    ORDER BY subscription.id
    LIMIT 1
) AS wanted ON true
WHERE
    endpoint.organization_id = %(organization_id)s
    AND (%(name)s::text IS NULL OR endpoint.name = %(name)s)
ORDER BY endpoint.name;
