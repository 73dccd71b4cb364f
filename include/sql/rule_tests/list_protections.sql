-- The longest retention of every document of an organization.
--   organization_id  bigint
--   {protections}    compiled protections of every rule, over candidates
-- Result: document_id bigint, rule_version_id bigint, retain_until date (infinity = without end).
WITH candidates AS (
    SELECT document.id AS document_id
    FROM documents AS document
    WHERE document.organization_id = %(organization_id)s
)

SELECT
    protection.document_id,
    protection.rule_version_id,
    protection.retain_until
FROM ({protections}) AS protection;
