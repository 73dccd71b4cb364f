-- Move what another rule retains past its due date to the day after: the day it will really go.
UPDATE pg_temp.foreseen AS foreseen
SET
    goes_on = protection.retain_until + 1,
    protecting_rule_version_id = protection.rule_version_id
FROM pg_temp.protections AS protection
WHERE
    foreseen.document_id = protection.document_id
    AND foreseen.action = 'DELETE'
    AND protection.retain_until >= foreseen.goes_on;
