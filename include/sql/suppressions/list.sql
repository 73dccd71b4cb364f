-- Addresses that get no mail, by address.
--   organization_id  bigint
--   words            text     only those with this in them, in any case of letters; NULL for all
--   after            text     only addresses after this one, for the next page; NULL to begin
--   size             integer  NULL for all
-- Returns address text, reason text, created_at timestamptz.
SELECT
    address,
    reason,
    created_at
FROM email_suppressions
WHERE
    organization_id = %(organization_id)s
    AND (%(words)s::text IS NULL OR strpos(lower(address), lower(%(words)s)) > 0)
    AND (%(after)s::text IS NULL OR address > %(after)s)
ORDER BY address
LIMIT %(size)s;
