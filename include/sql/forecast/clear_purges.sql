-- Forget what was in the trash of an organization.
--   organization_id  bigint
DELETE FROM foreseen_purges
WHERE organization_id = %(organization_id)s;
