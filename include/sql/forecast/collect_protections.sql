-- Find which rule keeps each document the longest whose deletion is foreseen.
--   organization_id  bigint
--   {protections}    compiled rules over candidates: document_id, rule_version_id, retain_until
WITH candidates AS MATERIALIZED (
    SELECT DISTINCT document_id
    FROM dispositions
    WHERE organization_id = %(organization_id)s AND action = 'DELETE'
)

INSERT INTO pg_temp.protections (document_id, rule_version_id, retain_until)
SELECT
    protection.document_id,
    protection.rule_version_id,
    protection.retain_until
FROM ({protections}) AS protection;
