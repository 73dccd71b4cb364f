-- Endpoints as people see them, by name, with the jobs that wait for each. Of all jobs that wait only
-- some are counted, the oldest, so that a page costs the same however many there are.
--   organization_id  bigint
--   name             text     only this one, or NULL for all
--   endpoint_id      bigint   likewise
--   after            text     only names after this one, for the next page; NULL to begin
--   most             integer  at most so many jobs are looked at
--   size             integer  NULL for all
-- Returns endpoint_id, name, url, connection_id, state, disabled_reason, headers jsonb,
-- timeout_seconds, max_concurrency, max_per_second float8, failing_since,
-- rests_until and rest_reason (NULL when it does not), last_success_at,
-- last_failure_at, event_types text[] (NULL: none), document_types text[] (NULL: all),
-- waiting_jobs bigint, may_be_more boolean (more jobs wait than were looked at).
WITH looked_at AS MATERIALIZED (
    SELECT oldest.endpoint_id
    FROM (
        SELECT job.endpoint_id
        FROM jobs AS job
        ORDER BY job.id
        LIMIT %(most)s
    ) AS oldest
),

waiting AS MATERIALIZED (
    SELECT
        looked_at.endpoint_id,
        count(*) AS jobs
    FROM looked_at
    WHERE looked_at.endpoint_id IS NOT NULL
    GROUP BY looked_at.endpoint_id
)

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
    coalesce(waiting.jobs, 0) AS waiting_jobs,
    (SELECT count(*) FROM looked_at) >= %(most)s AS may_be_more
FROM webhook_endpoints AS endpoint
LEFT JOIN waiting ON endpoint.id = waiting.endpoint_id
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
    AND (%(endpoint_id)s::bigint IS NULL OR endpoint.id = %(endpoint_id)s)
    AND (%(after)s::text IS NULL OR endpoint.name > %(after)s)
ORDER BY endpoint.name
LIMIT %(size)s;
