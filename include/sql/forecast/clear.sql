-- Forget what was forecast for an organization.
--   organization_id  bigint
DELETE FROM dispositions
WHERE organization_id = %(organization_id)s;
