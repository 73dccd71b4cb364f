-- What the rules in use will do: documents and bytes by rule, action and month.
--   organization_id  bigint
--   rule             text    only this rule; NULL for all
--   today            date    in the organization's zone
--   until            date    the first day that is no longer shown by month
--   span_starts      date[]  sorted: from one of these until the next it makes no difference which day
--                            it is, neither for an action nor for the purge after it
--   graces           jsonb   per rule version id, how long the trash keeps (ISO 8601)
-- Returns rule, version, mode, action, bucket (overdue, month, later, never, held), month (the first
-- day of it, only for month), documents, size_bytes. A DELETE is followed by its PURGE.
WITH graces AS MATERIALIZED (
    SELECT
        given.key::bigint AS rule_version_id,
        given.value::interval AS grace
    FROM jsonb_each_text(%(graces)s) AS given
),

spans AS MATERIALIZED (
    SELECT %(span_starts)s::date [] || 'infinity'::date AS starts
),

-- A hundred rules have some hundred thousand days, so each is read once, and asked for one number.
counted AS MATERIALIZED (
    SELECT
        rule_version_id,
        action,
        is_held,
        width_bucket(goes_on, (SELECT spans.starts FROM spans)) AS place,
        sum(documents) AS documents,
        sum(size_bytes) AS size_bytes
    FROM forecast_counts
    WHERE
        organization_id = %(organization_id)s
        AND (
            %(rule)s::text IS NULL
            OR rule_version_id = (
                SELECT rule.current_version_id
                FROM rules AS rule
                WHERE
                    rule.organization_id = %(organization_id)s
                    AND rule.removed_at IS NULL
                    AND rule.name = %(rule)s
            )
        )
        -- A message of the past was sent, or is old news.
        AND (action IN ('ARCHIVE', 'DELETE', 'PURGE') OR goes_on > %(today)s)
    GROUP BY rule_version_id, action, is_held, place
),

-- Each as if it were on the first day of its span.
foreseen AS MATERIALIZED (
    SELECT
        counted.rule_version_id,
        counted.action,
        CASE
            WHEN counted.place = 0 THEN '-infinity'
            ELSE spans.starts[counted.place]
        END AS goes_on,
        counted.is_held,
        counted.documents,
        counted.size_bytes
    FROM counted
    CROSS JOIN spans
    LEFT JOIN rules AS rule
        ON
            rule.organization_id = %(organization_id)s
            AND counted.rule_version_id = rule.current_version_id
            AND rule.removed_at IS NULL
    -- What never had a rule is in the trash already.
    WHERE rule.id IS NOT NULL OR counted.rule_version_id IS NULL
),

everything AS (
    SELECT
        rule_version_id,
        action,
        goes_on,
        is_held,
        documents,
        size_bytes
    FROM foreseen
    UNION ALL
    SELECT
        foreseen.rule_version_id,
        'PURGE',
        CASE
            WHEN foreseen.goes_on = 'infinity' THEN foreseen.goes_on
            ELSE (greatest(foreseen.goes_on, %(today)s) + graces.grace)::date
        END,
        foreseen.is_held,
        foreseen.documents,
        foreseen.size_bytes
    FROM foreseen
    LEFT JOIN graces ON foreseen.rule_version_id = graces.rule_version_id
    WHERE foreseen.action = 'DELETE'
),

summed AS (
    SELECT
        everything.rule_version_id,
        everything.action,
        placed.bucket,
        placed.month,
        sum(everything.documents)::bigint AS documents,
        sum(everything.size_bytes)::bigint AS size_bytes
    FROM everything
    CROSS JOIN LATERAL (
        SELECT
            bucket.name AS bucket,
            CASE
                WHEN bucket.name = 'month'
                    THEN date_trunc('month', everything.goes_on::timestamp)::date
            END AS month
        FROM (
            SELECT
                CASE
                    WHEN everything.is_held THEN 'held'
                    WHEN everything.goes_on = 'infinity' THEN 'never'
                    WHEN everything.goes_on < %(today)s THEN 'overdue'
                    WHEN everything.goes_on >= %(until)s THEN 'later'
                    ELSE 'month'
                END AS name
        ) AS bucket
    ) AS placed
    GROUP BY everything.rule_version_id, everything.action, placed.bucket, placed.month
)

-- Names come to the sums, not to each of what is summed.
SELECT
    rule.name AS rule,
    version.version,
    version.mode,
    summed.action,
    summed.bucket,
    summed.month,
    summed.documents,
    summed.size_bytes
FROM summed
LEFT JOIN rule_versions AS version ON summed.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
ORDER BY rule.name NULLS LAST, summed.action, summed.bucket, summed.month;
