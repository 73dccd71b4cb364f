-- Find which rule keeps each document the longest whose deletion is foreseen, and keeps it beyond
-- that day; what ends before changes nothing.
--   {protections}  compiled rules over candidates: document_id, rule_version_id, retain_until
WITH candidates AS MATERIALIZED (
    SELECT
        document_id,
        min(goes_on) AS goes_on
    FROM pg_temp.foreseen
    WHERE action = 'DELETE'
    GROUP BY document_id
)

INSERT INTO pg_temp.protections (document_id, rule_version_id, retain_until)
SELECT
    protection.document_id,
    protection.rule_version_id,
    protection.retain_until
FROM ({protections}) AS protection
INNER JOIN candidates ON protection.document_id = candidates.document_id
WHERE protection.retain_until >= candidates.goes_on;
