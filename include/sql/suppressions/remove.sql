-- Let an address get mail again.
--   organization_id  bigint
--   address          text  in lower case
-- Returns address when it was there.
DELETE FROM email_suppressions
WHERE organization_id = %(organization_id)s AND lower(address) = %(address)s
RETURNING address;
