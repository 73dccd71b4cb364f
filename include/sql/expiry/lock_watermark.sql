-- Wait for everybody who is registering documents of an organization, and return through which day
-- its expiry dates were checked.
--   organization_id  bigint
SELECT checked_through
FROM expiry_watermarks
WHERE organization_id = %(organization_id)s
FOR UPDATE;
