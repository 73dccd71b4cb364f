-- Store messages about documents, one per document: what was said already is left out, the rest
-- gets its notice, its job or its line in the dashboard, its audit entry and, when it is a warning,
-- its event, all of it or nothing.
--   messages         jsonb        objects: document_id, due_on, window_days, redirected_to (or NULL),
--                                 kind (NULL: no job),
--                                 payload (text), unique_key, endpoint, timeout_seconds, recipient,
--                                 type, title (NULL: not shown in the dashboard), body
--   organization_id  bigint
--   rule_id          bigint       NULL without a rule: then nothing was said before
--   action_index     integer
--   plan_id          bigint       or NULL
--   now              timestamptz
--   actor            text
--   rule             text         name@version, or NULL
--   audit_action     text         e.g. document.notified
-- Returns document_id of what was stored.
WITH given AS MATERIALIZED (
    SELECT
        message.*,
        CASE WHEN message.kind IS NOT NULL THEN nextval('jobs_id_seq') END AS job_id
    FROM jsonb_to_recordset(%(messages)s) AS message (
        document_id bigint, due_on date, window_days integer, redirected_to text, kind text,
        payload text, unique_key text, endpoint text, timeout_seconds integer, recipient text, type text,
        title text, body text
    )
),

noticed AS (
    INSERT INTO notices (
        organization_id, rule_id, action_index, document_id, due_on, window_days, recipient,
        redirected_to, job_id, created_at
    )
    SELECT
        %(organization_id)s,
        %(rule_id)s::bigint,
        %(action_index)s,
        given.document_id,
        given.due_on,
        given.window_days,
        CASE given.kind WHEN 'email' THEN lower(given.recipient) ELSE given.recipient END,
        given.redirected_to,
        given.job_id,
        %(now)s
    FROM given
    WHERE %(rule_id)s::bigint IS NOT NULL
    ON CONFLICT ON CONSTRAINT a_notice_is_sent_once DO NOTHING
    RETURNING document_id
),

fresh AS (
    SELECT given.*
    FROM given
    WHERE
        %(rule_id)s::bigint IS NULL
        OR given.document_id IN (SELECT noticed.document_id FROM noticed)
),

keyed AS (
    INSERT INTO job_keys AS taken (organization_id, unique_key, job_id, expires_at)
    SELECT
        %(organization_id)s,
        fresh.unique_key,
        fresh.job_id,
        %(now)s::timestamptz + interval '30 days'
    FROM fresh
    WHERE fresh.job_id IS NOT NULL
    ON CONFLICT (organization_id, unique_key) DO UPDATE
        SET job_id = excluded.job_id, expires_at = excluded.expires_at
        WHERE taken.expires_at < %(now)s
    RETURNING job_id
),

queued AS (
    INSERT INTO jobs (
        id, organization_id, kind, payload, run_at, unique_key, max_attempts, timeout_seconds,
        requested_by, plan_id, endpoint_id
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        fresh.job_id,
        %(organization_id)s,
        fresh.kind,
        fresh.payload,
        %(now)s,
        fresh.unique_key,
        -- As in enqueue_job().
        CASE fresh.kind WHEN 'webhook' THEN 10 ELSE 3 END,
        fresh.timeout_seconds,
        %(actor)s,
        %(plan_id)s::bigint,
        endpoint.id
    FROM fresh
    INNER JOIN keyed ON fresh.job_id = keyed.job_id
    -- An endpoint that is not set up yet is looked for again, by its name, when the job is sent.
    LEFT JOIN webhook_endpoints AS endpoint
        ON endpoint.organization_id = %(organization_id)s AND fresh.endpoint = endpoint.name
),

shown AS (
    INSERT INTO notifications (
        organization_id, recipient, type, title, body, document_id, plan_id, created_at
    )
    SELECT
        %(organization_id)s,
        fresh.recipient,
        fresh.type,
        fresh.title,
        fresh.body,
        fresh.document_id,
        %(plan_id)s::bigint,
        %(now)s
    FROM fresh
    WHERE fresh.title IS NOT NULL
),

-- Once per warning, however many are told.
announced AS (
    INSERT INTO events (
        organization_id, type, document_id, payload, occurred_on, recorded_at, actor
    )
    SELECT
        organization.id,
        'document.expiring',
        fresh.document_id,
        jsonb_strip_nulls(jsonb_build_object(
            'due_on', fresh.due_on, 'window_days', fresh.window_days, 'rule', %(rule)s::text
        )),
        (%(now)s::timestamptz AT TIME ZONE organization.time_zone)::date,
        %(now)s,
        %(actor)s
    FROM fresh
    INNER JOIN organizations AS organization ON organization.id = %(organization_id)s
    WHERE
        %(audit_action)s = 'document.warned'
        AND NOT EXISTS (
            SELECT
            FROM notices AS told
            WHERE
                told.rule_id = %(rule_id)s::bigint
                AND told.document_id = fresh.document_id
                AND told.due_on = fresh.due_on
                AND told.window_days = fresh.window_days
                AND told.action_index <> %(action_index)s
        )
),

audited AS (
    INSERT INTO audit_entries (
        organization_id, at, actor, rule, action, document_id, plan_id, reason, details
    )
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        %(rule)s,
        %(audit_action)s,
        fresh.document_id,
        %(plan_id)s::bigint,
        CASE
            WHEN fresh.window_days = 0
                THEN 'due since ' || fresh.due_on || ', and nobody was warned before'
            WHEN fresh.window_days IS NOT NULL
                THEN 'due on ' || fresh.due_on || ', in ' || fresh.window_days || ' day(s) or less'
            WHEN fresh.due_on IS NOT NULL THEN 'due since ' || fresh.due_on
            ELSE 'meets the conditions'
        END,
        jsonb_strip_nulls(jsonb_build_object(
            'channel', coalesce(fresh.kind, 'notification'),
            'recipient', fresh.recipient,
            'endpoint', fresh.endpoint,
            'job_id', fresh.job_id
        ))
    FROM fresh
)

SELECT fresh.document_id
FROM fresh;
