-- "No deletion without a delivered warning": what became of warnings, and what is missing. Asked by
-- judging, by apply under its locks, and by who sends warnings; one answer. Both are single queries
-- over one document, which PostgreSQL puts into the statement that asks, so that sets stay sets.

-- The warnings of one rule that a document goes on one day, and what became of each. What was only
-- shown in the dashboard or kept for a digest is none: nobody knows whether it was read.
-- state: sent      accepted at that moment, and nothing came back within 72 hours of it
--        bounced   accepted, and its address was suppressed within 72 hours (or had been before)
--        waiting   not sent yet
--        failed    given up or cancelled
--        unknown   nobody knows any more: counts as not delivered
CREATE FUNCTION warnings_of(rule bigint, document bigint, day date) RETURNS TABLE (
    notice_id bigint,
    recipient text,
    redirected_to text,
    state text,
    at timestamptz,
    error text
)
LANGUAGE sql STABLE
AS $$
    SELECT
        notice.id,
        notice.recipient,
        notice.redirected_to,
        CASE
            WHEN coalesce(notice.bounced_at, bounce.at) IS NOT NULL THEN 'bounced'
            WHEN coalesce(notice.sent_at, sent.at) IS NOT NULL THEN 'sent'
            WHEN failed.id IS NOT NULL THEN 'failed'
            WHEN waiting.id IS NOT NULL THEN 'waiting'
            ELSE 'unknown'
        END,
        coalesce(
            notice.bounced_at, bounce.at, notice.sent_at, sent.at, failed.finished_at,
            notice.created_at
        ),
        failed.last_error
    FROM notices AS notice
    LEFT JOIN LATERAL (
        SELECT min(attempt.attempted_at) AS at
        FROM delivery_attempts AS attempt
        WHERE
            attempt.job_id = notice.job_id
            AND attempt.outcome = 'sent'
            -- Leaves the partitions of the days before alone.
            AND attempt.attempted_at >= notice.created_at - INTERVAL '1 day'
            AND notice.sent_at IS NULL
    ) AS sent ON TRUE
    LEFT JOIN LATERAL (
        SELECT min(suppression.created_at) AS at
        FROM email_suppressions AS suppression
        WHERE
            suppression.organization_id = notice.organization_id
            AND lower(suppression.address) = notice.recipient
            AND suppression.reason <> 'unsubscribed'
            AND suppression.created_at <= sent.at + INTERVAL '72 hours'
    ) AS bounce ON TRUE
    LEFT JOIN jobs_failed AS failed ON notice.job_id = failed.id
    LEFT JOIN jobs AS waiting ON notice.job_id = waiting.id
    WHERE
        notice.document_id = document
        AND notice.rule_id = rule
        AND notice.due_on = day
        AND notice.window_days IS NOT NULL
        AND notice.job_id IS NOT NULL
$$;

-- What is missing before a rule that asks for a delivered warning may delete a document on a day.
-- Always one row; NULL when nothing is missing: a warning of that very day was delivered 72 hours
-- ago and at least the shortest of the rule's periods ago.
--   day      when it is due: a warning of another day is no warning
--   before   the rule's periods
--   today    in the organization's zone; present is the moment
CREATE FUNCTION missing_warning(
    rule bigint, document bigint, day date, before interval [], today date, present timestamptz
) RETURNS TABLE (missing text)
LANGUAGE sql STABLE
AS $$
    SELECT
        CASE
            WHEN
                bool_or(
                    warning.state = 'sent'
                    AND warning.counts_from <= missing_warning.today
                    AND warning.at + INTERVAL '72 hours' <= missing_warning.present
                )
                THEN NULL
            WHEN bool_or(warning.state = 'sent')
                THEN
                    'its warning was sent on '
                    || min(warning.on_day) FILTER (WHERE warning.state = 'sent')
                    || ' and counts from '
                    || min(warning.counts_from) FILTER (WHERE warning.state = 'sent') || ' on'
            WHEN bool_or(warning.state = 'waiting')
                THEN
                    'its warning of '
                    || min(warning.on_day) FILTER (WHERE warning.state = 'waiting')
                    || ' is not sent yet'
            WHEN count(*) = 0
                THEN 'nobody was warned that it goes on ' || missing_warning.day
            ELSE
                'its warning to '
                || (array_agg(warning.fate ORDER BY warning.notice_id DESC))[1]
                || CASE
                    WHEN bool_and(warning.has_fallback)
                        THEN '; the next goes to the fallback recipient'
                    ELSE '; the organization has no fallback recipient'
                END
        END
    FROM (
        SELECT
            told.notice_id,
            told.state,
            told.at,
            (told.at AT TIME ZONE organization.time_zone)::date AS on_day,
            greatest(
                (
                    SELECT min((told.at AT TIME ZONE organization.time_zone)::date + period.length)
                    FROM unnest(missing_warning.before) AS period (length)
                )::date,
                ((told.at + INTERVAL '72 hours') AT TIME ZONE organization.time_zone)::date
            ) AS counts_from,
            coalesce(organization.fallback_recipient, '') <> '' AS has_fallback,
            told.recipient || CASE told.state
                WHEN 'bounced' THEN ' came back on '
                WHEN 'failed' THEN ' was given up on '
                ELSE ' is lost: nobody knows what became of it since '
            END
            || (told.at AT TIME ZONE organization.time_zone)::date
            || coalesce(' (' || told.error || ')', '') AS fate
        FROM warnings_of(
            missing_warning.rule, missing_warning.document, missing_warning.day
        ) AS told
        INNER JOIN documents AS about ON missing_warning.document = about.id
        INNER JOIN organizations AS organization ON about.organization_id = organization.id
    ) AS warning
$$;

GRANT EXECUTE ON FUNCTION warnings_of(bigint, bigint, date),
missing_warning(bigint, bigint, date, interval [], date, timestamptz)
TO doclife_worker, doclife_reader;
