-- Move what another rule retains past its due date to the day after: the day it will really go.
--   organization_id  bigint
UPDATE dispositions
SET
    goes_on = protection.retain_until + 1,
    protecting_rule_version_id = protection.rule_version_id
FROM pg_temp.protections AS protection
WHERE
    dispositions.document_id = protection.document_id
    AND dispositions.organization_id = %(organization_id)s
    AND dispositions.action = 'DELETE'
    AND protection.retain_until >= dispositions.goes_on;
