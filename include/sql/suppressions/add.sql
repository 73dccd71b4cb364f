-- Let an address get no more mail; one that is there keeps its first reason.
--   organization  text  short name
--   address       text  in lower case
--   reason        text  bounced, complained, unsubscribed or manual
-- Returns address when it is new.
INSERT INTO email_suppressions (organization_id, address, reason)
SELECT
    organization.id,
    %(address)s,
    %(reason)s
FROM organizations AS organization
WHERE organization.slug = %(organization)s
ON CONFLICT DO NOTHING
RETURNING address;
