-- What entries say, as the text that is hashed.
--   organization_id  bigint
--   entry_ids        bigint[]
-- Entries that are not there, or not this organization's, are left out.
SELECT
    id,
    audit_payload(
        organization_id, at, actor, rule, action, document_id, plan_id, reason, details
    ) AS payload,
    erased_by
FROM audit_entries
WHERE id = ANY(%(entry_ids)s) AND organization_id = %(organization_id)s;
