-- Send calls again that were delivered, under their own numbers: a receiver that remembers them drops
-- them, one that lost them takes them.
--   organization_id  bigint
--   job_ids          bigint[]     NULL for all that the rest describes
--   endpoint         text         name, or NULL for all
--   since, until     timestamptz  delivered within, or NULL
--   after            bigint       only larger numbers, for the next page
--   size             integer      at most so many, the oldest first
--   requested_by     text         actor
-- Returns job_id of each that was looked at and whether it is sent again; not when it waits already.
WITH chosen AS MATERIALIZED (
    SELECT DISTINCT ON (done.id)
        done.id,
        done.organization_id,
        done.payload,
        done.created_at,
        endpoint.id AS endpoint_id,
        endpoint.timeout_seconds
    FROM job_history AS done
    INNER JOIN webhook_endpoints AS endpoint ON done.endpoint_id = endpoint.id
    WHERE
        done.organization_id = %(organization_id)s
        AND done.payload IS NOT NULL
        AND done.id > %(after)s
        AND (%(job_ids)s::bigint [] IS NULL OR done.id = ANY(%(job_ids)s))
        AND (%(endpoint)s::text IS NULL OR endpoint.name = %(endpoint)s)
        AND (%(since)s::timestamptz IS NULL OR done.finished_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR done.finished_at < %(until)s)
    ORDER BY done.id
    LIMIT %(size)s
),

again AS (
    INSERT INTO jobs (
        id, organization_id, kind, payload, max_attempts, timeout_seconds, requested_by,
        endpoint_id, created_at
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        chosen.id,
        chosen.organization_id,
        'webhook',
        chosen.payload,
        -- As in enqueue_job().
        10,
        chosen.timeout_seconds,
        %(requested_by)s,
        chosen.endpoint_id,
        chosen.created_at
    FROM chosen
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)

SELECT
    chosen.id AS job_id,
    again.id IS NOT NULL AS is_sent_again
FROM chosen
LEFT JOIN again ON chosen.id = again.id
ORDER BY chosen.id;
