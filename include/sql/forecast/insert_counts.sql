-- Add up by day what was forecast for an organization, so that pages need not.
--   organization_id  bigint
INSERT INTO forecast_counts (
    organization_id, rule_version_id, action, goes_on, is_held, documents, size_bytes
)
SELECT
    organization_id,
    rule_version_id,
    action,
    goes_on,
    is_held,
    count(*) AS documents,
    sum(size_bytes)::bigint AS size_bytes
FROM dispositions
WHERE organization_id = %(organization_id)s AND NOT is_outranked
GROUP BY organization_id, rule_version_id, action, goes_on, is_held
UNION ALL
SELECT
    organization_id,
    NULL AS rule_version_id,
    'PURGE' AS action,
    due_on AS goes_on,
    is_held,
    count(*) AS documents,
    sum(size_bytes)::bigint AS size_bytes
FROM foreseen_purges
WHERE organization_id = %(organization_id)s
GROUP BY organization_id, due_on, is_held;
