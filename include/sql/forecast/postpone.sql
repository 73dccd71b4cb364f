-- Move what another rule retains past its due date to the day after: the day it will really go.
--   organization_id  bigint
--   {protections}    compiled rules over candidates: document_id, rule_version_id, retain_until
WITH candidates AS MATERIALIZED (
    SELECT DISTINCT document_id
    FROM dispositions
    WHERE organization_id = %(organization_id)s AND action = 'DELETE'
)

UPDATE dispositions
SET
    goes_on = protection.retain_until + 1,
    protecting_rule_version_id = protection.rule_version_id
FROM ({protections}) AS protection
WHERE
    dispositions.document_id = protection.document_id
    AND dispositions.organization_id = %(organization_id)s
    AND dispositions.action = 'DELETE'
    AND protection.retain_until >= dispositions.goes_on;
