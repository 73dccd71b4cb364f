-- Let nobody else change an organization's settings until the transaction ends.
--   organization_id  bigint
SELECT id FROM organizations
WHERE id = %(organization_id)s
FOR NO KEY UPDATE;
