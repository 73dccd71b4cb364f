-- Find which rule keeps each document that is to be destroyed the longest.
--   {protections}  compiled rules over candidates: document_id, rule_version_id, retain_until
WITH candidates AS MATERIALIZED (
    SELECT DISTINCT document_id
    FROM pg_temp.hits
    WHERE action IN ('DELETE', 'PURGE')
)

INSERT INTO pg_temp.protections (document_id, rule_version_id, retain_until)
SELECT
    protection.document_id,
    protection.rule_version_id,
    protection.retain_until
FROM ({protections}) AS protection;
