-- What the rules in use will do: documents and bytes by rule, action and month.
--   organization_id  bigint
--   rule             text    only this rule; NULL for all
--   today            date    in the organization's zone
--   until            date    the first day that is no longer shown by month
--   graces           jsonb   per rule version id, how long the trash keeps (ISO 8601)
-- Returns rule, version, mode, action, bucket (overdue, month, later, never, held), month (the first
-- day of it, only for month), documents, size_bytes. A DELETE is followed by its PURGE.
WITH graces AS MATERIALIZED (
    SELECT
        given.key::bigint AS rule_version_id,
        given.value::interval AS grace
    FROM jsonb_each_text(%(graces)s) AS given
),

foreseen AS (
    SELECT
        foreseen.rule_version_id,
        foreseen.action,
        foreseen.goes_on,
        foreseen.is_held,
        foreseen.documents,
        foreseen.size_bytes
    FROM rules AS rule
    INNER JOIN forecast_counts AS foreseen
        ON
            rule.organization_id = foreseen.organization_id
            AND rule.current_version_id = foreseen.rule_version_id
    WHERE
        rule.organization_id = %(organization_id)s
        AND rule.removed_at IS NULL
        AND (%(rule)s::text IS NULL OR rule.name = %(rule)s)
        -- A message of the past was sent, or is old news.
        AND (foreseen.action IN ('ARCHIVE', 'DELETE') OR foreseen.goes_on > %(today)s)
),

in_the_trash AS (
    SELECT
        goes_on,
        is_held,
        documents,
        size_bytes
    FROM forecast_counts
    WHERE
        organization_id = %(organization_id)s
        AND rule_version_id IS NULL
        AND %(rule)s::text IS NULL
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
    UNION ALL
    SELECT
        NULL,
        'PURGE',
        goes_on,
        is_held,
        documents,
        size_bytes
    FROM in_the_trash
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

-- Names come to the sums, not to each day of each rule: a hundred rules have some hundred thousand.
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
