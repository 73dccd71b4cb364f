-- Record what a mail service told about mails of ours; what was told before, and what is about no
-- job of ours, is left out. An address that will never take mail, or whose reader complained, gets
-- none any more. A warning that came back within 72 hours was not delivered, also when that is told
-- late.
--   events    jsonb        objects: job_id, outcome, is_lasting, address, reason, occurred_at
--   provider  text
--   now       timestamptz
-- Returns job_id and outcome of what is new.
WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (event.job_id, event.outcome, event.occurred_at)
        event.job_id,
        event.outcome,
        event.is_lasting,
        event.address,
        event.reason,
        least(event.occurred_at, %(now)s) AS occurred_at
    FROM jsonb_to_recordset(%(events)s) AS event (
        job_id bigint, outcome text, is_lasting boolean, address text, reason text,
        occurred_at timestamptz
    )
    ORDER BY event.job_id, event.outcome, event.occurred_at
),

-- A job is there until its attempt is recorded: one of the two is always found.
known AS MATERIALIZED (
    SELECT
        given.*,
        coalesce(attempt.organization_id, waiting.organization_id, failed.organization_id)
            AS organization_id,
        attempt.sent_at
    FROM given
    LEFT JOIN LATERAL (
        SELECT
            min(tried.organization_id) AS organization_id,
            min(tried.attempted_at) FILTER (WHERE tried.outcome = 'sent') AS sent_at
        FROM delivery_attempts AS tried
        WHERE tried.job_id = given.job_id
    ) AS attempt ON TRUE
    LEFT JOIN jobs AS waiting ON given.job_id = waiting.id AND waiting.kind = 'email'
    LEFT JOIN jobs_failed AS failed ON given.job_id = failed.id AND failed.kind = 'email'
),

recorded AS (
    INSERT INTO delivery_events (
        organization_id, job_id, provider, outcome, is_lasting, address, reason, occurred_at,
        received_at
    )
    SELECT
        known.organization_id,
        known.job_id,
        %(provider)s,
        known.outcome,
        known.is_lasting,
        known.address,
        known.reason,
        known.occurred_at,
        %(now)s
    FROM known
    WHERE known.organization_id IS NOT NULL
    ON CONFLICT (job_id, outcome, occurred_at) DO NOTHING
    RETURNING organization_id, job_id, outcome, is_lasting, address, occurred_at
),

suppressed AS (
    INSERT INTO email_suppressions (organization_id, address, reason, created_at)
    SELECT DISTINCT ON (recorded.organization_id, recorded.address)
        recorded.organization_id,
        recorded.address,
        recorded.outcome,
        recorded.occurred_at
    FROM recorded
    WHERE
        recorded.outcome = 'complained'
        OR (recorded.outcome = 'bounced' AND recorded.is_lasting)
    ORDER BY recorded.organization_id, recorded.address, recorded.occurred_at
    ON CONFLICT (organization_id, address) DO NOTHING
),

revoked AS (
    UPDATE notices
    SET bounced_at = came_back.occurred_at
    FROM (
        SELECT
            recorded.job_id,
            min(recorded.occurred_at) AS occurred_at,
            min(known.sent_at) AS sent_at
        FROM recorded
        INNER JOIN known ON recorded.job_id = known.job_id
        WHERE recorded.outcome = 'bounced'
        GROUP BY recorded.job_id
    ) AS came_back
    WHERE
        notices.job_id = came_back.job_id
        AND notices.window_days IS NOT NULL
        AND notices.bounced_at IS NULL
        AND came_back.occurred_at
        <= coalesce(notices.sent_at, came_back.sent_at, came_back.occurred_at)
        + interval '72 hours'
)

SELECT
    job_id,
    outcome
FROM recorded;
