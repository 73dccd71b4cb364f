-- Addresses that get no mail, by address.
--   organization_id  bigint
-- Returns address text, reason text, created_at timestamptz.
SELECT
    address,
    reason,
    created_at
FROM email_suppressions
WHERE organization_id = %(organization_id)s
ORDER BY address;
