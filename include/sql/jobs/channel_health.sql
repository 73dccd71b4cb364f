-- How mail and Slack messages of one organization have fared of late, tests included. Each is one look
-- into an index.
--   organization_id  bigint
-- Returns one row each: kind, last_success_at, last_failure_at, last_error (of that failure);
-- stop_reason and stopped_until (NULL when the channel is not stopped).
WITH failures AS (
    SELECT
        wanted.kind,
        latest.attempted_at,
        latest.error
    FROM (
        VALUES
        ('email', 'retry'), ('email', 'dead'), ('email', 'unknown'),
        ('slack', 'retry'), ('slack', 'dead'), ('slack', 'unknown')
    ) AS wanted (kind, outcome)
    CROSS JOIN LATERAL (
        SELECT
            attempted.attempted_at,
            attempted.error
        FROM delivery_attempts AS attempted
        WHERE
            attempted.organization_id = %(organization_id)s
            AND attempted.kind = wanted.kind
            -- Said again for the index.
            AND attempted.kind IN ('email', 'slack')
            AND attempted.outcome = wanted.outcome
        ORDER BY attempted.attempted_at DESC
        LIMIT 1
    ) AS latest
),

failure AS (
    SELECT DISTINCT ON (failures.kind)
        failures.kind,
        failures.attempted_at,
        failures.error
    FROM failures
    ORDER BY failures.kind ASC, failures.attempted_at DESC
)

SELECT
    channel.kind,
    success.attempted_at AS last_success_at,
    failure.attempted_at AS last_failure_at,
    failure.error AS last_error,
    stop.reason AS stop_reason,
    stop.stopped_until
FROM (VALUES ('email'), ('slack')) AS channel (kind)
LEFT JOIN LATERAL (
    SELECT attempted.attempted_at
    FROM delivery_attempts AS attempted
    WHERE
        attempted.organization_id = %(organization_id)s
        AND attempted.kind = channel.kind
        -- Said again for the index.
        AND attempted.kind IN ('email', 'slack')
        AND attempted.outcome = 'sent'
    ORDER BY attempted.attempted_at DESC
    LIMIT 1
) AS success ON TRUE
LEFT JOIN failure ON channel.kind = failure.kind
LEFT JOIN channel_stops AS stop ON channel.kind = stop.kind AND stop.stopped_until > now()
ORDER BY channel.kind;
