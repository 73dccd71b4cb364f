-- What the rules in use will do: documents and bytes by rule, action and month.
--   organization_id  bigint
--   rule             text    only this rule; NULL for all
--   today            date    in the organization's zone
--   until            date    the first day that is no longer shown by month
--   graces           jsonb   per rule version id, how long the trash keeps (ISO 8601)
-- Returns rule, version, mode, action, bucket (overdue, month, later, never, held), month (the first
-- day of it, only for month), documents, size_bytes. A DELETE is followed by its PURGE.
WITH foreseen AS (
    SELECT
        disposition.rule_version_id,
        disposition.action,
        disposition.goes_on,
        disposition.is_held,
        count(*) AS documents,
        sum(disposition.size_bytes)::bigint AS size_bytes
    FROM rules AS rule
    INNER JOIN dispositions AS disposition ON rule.current_version_id = disposition.rule_version_id
    WHERE
        rule.organization_id = %(organization_id)s
        AND rule.removed_at IS NULL
        AND (%(rule)s::text IS NULL OR rule.name = %(rule)s)
        AND NOT disposition.is_outranked
        -- A message of the past was sent, or is old news.
        AND (disposition.action IN ('ARCHIVE', 'DELETE') OR disposition.goes_on > %(today)s)
    GROUP BY
        disposition.rule_version_id,
        disposition.action,
        disposition.goes_on,
        disposition.is_held
),

in_the_trash AS (
    SELECT
        document.purge_after,
        document.hold_count > 0 AS is_held,
        count(*) AS documents,
        coalesce(sum(document.size_bytes), 0)::bigint AS size_bytes
    FROM documents AS document
    WHERE
        document.organization_id = %(organization_id)s
        AND document.status IN ('deleted', 'purging')
        AND %(rule)s::text IS NULL
    GROUP BY document.purge_after, document.hold_count > 0
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
        rule_version_id,
        'PURGE',
        CASE
            WHEN goes_on = 'infinity' THEN goes_on
            ELSE (
                greatest(goes_on, %(today)s)
                + (%(graces)s::jsonb ->> rule_version_id::text)::interval
            )::date
        END,
        is_held,
        documents,
        size_bytes
    FROM foreseen
    WHERE action = 'DELETE'
    UNION ALL
    SELECT
        NULL,
        'PURGE',
        purge_after,
        is_held,
        documents,
        size_bytes
    FROM in_the_trash
)

SELECT
    rule.name AS rule,
    version.version,
    version.mode,
    everything.action,
    placed.bucket,
    placed.month,
    sum(everything.documents)::bigint AS documents,
    sum(everything.size_bytes)::bigint AS size_bytes
FROM everything
LEFT JOIN rule_versions AS version ON everything.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
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
GROUP BY
    rule.name, version.version, version.mode, everything.action, placed.bucket, placed.month
ORDER BY rule.name NULLS LAST, everything.action, placed.bucket, placed.month;
