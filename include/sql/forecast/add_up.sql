-- Add up by day what is forecast for an organization, so that pages need not, and write down what
-- has changed.
--   organization_id  bigint
WITH counted AS MATERIALIZED (
    SELECT
        rule_version_id,
        action,
        goes_on,
        is_held,
        count(*) AS documents,
        sum(size_bytes)::bigint AS size_bytes
    FROM dispositions
    WHERE organization_id = %(organization_id)s AND NOT is_outranked
    GROUP BY rule_version_id, action, goes_on, is_held
    UNION ALL
    SELECT
        NULL AS rule_version_id,
        'PURGE' AS action,
        due_on AS goes_on,
        is_held,
        count(*) AS documents,
        sum(size_bytes)::bigint AS size_bytes
    FROM foreseen_purges
    WHERE organization_id = %(organization_id)s
    GROUP BY due_on, is_held
),

-- What is compared has no NULL: nothing else can be looked up by a hash.
gone AS (
    DELETE FROM forecast_counts AS known
    WHERE
        known.organization_id = %(organization_id)s
        AND NOT EXISTS (
            SELECT
            FROM counted
            WHERE
                coalesce(counted.rule_version_id, 0) = coalesce(known.rule_version_id, 0)
                AND counted.action = known.action
                AND coalesce(counted.goes_on, '-infinity') = coalesce(known.goes_on, '-infinity')
                AND counted.is_held = known.is_held
        )
)

INSERT INTO forecast_counts (
    organization_id, rule_version_id, action, goes_on, is_held, documents, size_bytes
)
SELECT
    %(organization_id)s,
    counted.rule_version_id,
    counted.action,
    counted.goes_on,
    counted.is_held,
    counted.documents,
    counted.size_bytes
FROM counted
LEFT JOIN forecast_counts AS known
    ON
        known.organization_id = %(organization_id)s
        AND coalesce(counted.rule_version_id, 0) = coalesce(known.rule_version_id, 0)
        AND counted.action = known.action
        AND coalesce(counted.goes_on, '-infinity') = coalesce(known.goes_on, '-infinity')
        AND counted.is_held = known.is_held
WHERE
    known.documents IS NULL
    OR known.documents <> counted.documents
    OR known.size_bytes <> counted.size_bytes
ON CONFLICT ON CONSTRAINT a_day_is_counted_once DO UPDATE
SET documents = excluded.documents, size_bytes = excluded.size_bytes;
