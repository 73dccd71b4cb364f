-- Find the documents whose day lies ahead within one of the rule's windows, and the smallest window
-- they are in: after an outage only the nearest missed one is sent. A rule that requires a warning
-- also warns of what is past due and was never warned of (window 0), and the fallback recipient of
-- what nobody else got.
--   {hits}          compiled rule, due well ahead: document_id, action_index, matched, anchor_on,
--                   due_on
--   {protections}   compiled rules over candidates: document_id, retain_until
--   rule_id         bigint
--   target          integer    position of the action that is warned of
--   target_action   text       its kind
--   action_indexes  integer[]  positions under which the warnings are noted
--   windows         interval[] how long before the day
--   is_required     boolean    nothing is deleted without a delivered warning
--   fallback        text       mail address of the fallback recipient in small letters, or NULL
--   today           date       the decision date in the organization's zone
WITH hit AS MATERIALIZED (
    SELECT
        found.document_id,
        found.anchor_on,
        found.due_on
    FROM ({hits}) AS found
    WHERE found.matched AND found.action_index = %(target)s
),

candidates AS MATERIALIZED (
    SELECT hit.document_id
    FROM hit
),

protection AS MATERIALIZED (
    SELECT
        longest.document_id,
        longest.retain_until
    FROM ({protections}) AS longest
),

ahead AS (
    SELECT
        hit.document_id,
        hit.anchor_on,
        hit.due_on,
        document.version AS document_version,
        -- What another rule retains, or was restored, goes later: the warning is about the day on
        -- which it will really go. Retention forbids destruction only.
        greatest(
            hit.due_on,
            CASE WHEN %(target_action)s = 'DELETE' THEN protection.retain_until + 1 END,
            CASE
                WHEN %(target_action)s IN ('ARCHIVE', 'DELETE') THEN document.reprieve_until + 1
            END
        ) AS goes_on
    FROM hit
    INNER JOIN documents AS document ON hit.document_id = document.id
    LEFT JOIN protection ON hit.document_id = protection.document_id
    WHERE
        document.hold_count = 0
        AND (%(is_required)s OR NOT (document.is_baseline AND hit.due_on <= %(today)s))
        AND NOT (
            %(target_action)s NOT IN ('ARCHIVE', 'DELETE')
            AND (
                coalesce(protection.retain_until >= hit.due_on, FALSE)
                OR coalesce(document.reprieve_until >= hit.due_on, FALSE)
            )
        )
)

INSERT INTO pg_temp.warnings (
    document_id, document_version, anchor_on, due_on, goes_on, window_days, to_fallback, was_kept
)
SELECT
    ahead.document_id,
    ahead.document_version,
    ahead.anchor_on,
    ahead.due_on,
    ahead.goes_on,
    CASE WHEN ahead.goes_on > %(today)s THEN nearest.window_days ELSE 0 END,
    NOT choice.is_ordinary,
    keeping.kept_at IS NOT NULL
FROM ahead
CROSS JOIN LATERAL (
    SELECT min(ahead.goes_on - (ahead.goes_on - span.length)::date) AS window_days
    FROM unnest(%(windows)s::interval []) AS span (length)
    WHERE (ahead.goes_on - span.length)::date <= %(today)s
) AS nearest
LEFT JOIN LATERAL (
    SELECT
        count(*) AS stored,
        count(*) FILTER (WHERE warning.state IN ('sent', 'waiting')) AS alive,
        coalesce(bool_or(warning.redirected_to = %(fallback)s::text), FALSE) AS is_redirected
    FROM warnings_of(%(rule_id)s, ahead.document_id, ahead.goes_on) AS warning
    WHERE %(is_required)s
) AS told ON TRUE
LEFT JOIN keepings AS keeping
    ON
        ahead.document_id = keeping.document_id
        AND ahead.due_on = keeping.due_on
        AND keeping.rule_id = %(rule_id)s
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN ahead.goes_on > %(today)s
            THEN count(*) < cardinality(%(action_indexes)s::integer [])
        ELSE told.stored = 0
    END AS is_ordinary
    FROM notices AS notice
    WHERE
        notice.rule_id = %(rule_id)s
        AND notice.action_index = ANY(%(action_indexes)s::integer [])
        AND notice.document_id = ahead.document_id
        AND notice.due_on = ahead.goes_on
        AND notice.window_days = nearest.window_days
        AND notice.redirected_to IS NULL
) AS choice
WHERE
    (ahead.goes_on > %(today)s OR %(is_required)s)
    AND nearest.window_days IS NOT NULL
    AND (
        choice.is_ordinary
        OR (
            told.stored > 0
            AND told.alive = 0
            AND NOT told.is_redirected
            AND %(fallback)s::text IS NOT NULL
        )
    );
