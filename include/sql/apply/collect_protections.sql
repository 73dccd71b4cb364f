-- Find which rule keeps each document of a locked batch, by the rules that are in force now.
--   document_ids   bigint[]
--   {protections}  compiled rules over candidates: document_id, rule_version_id, retain_until
WITH candidates AS MATERIALIZED (
    SELECT unnest(%(document_ids)s::bigint []) AS document_id
)

INSERT INTO pg_temp.protections (document_id, rule_version_id, retain_until)
SELECT
    protection.document_id,
    protection.rule_version_id,
    protection.retain_until
FROM ({protections}) AS protection;
