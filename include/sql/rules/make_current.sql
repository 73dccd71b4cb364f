-- Let a version be the one that counts.
--   rule_id     bigint
--   version_id  bigint
UPDATE rules
SET current_version_id = %(version_id)s, removed_at = NULL
WHERE id = %(rule_id)s;
