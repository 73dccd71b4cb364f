-- How many entries an organization has.
--   organization_id  bigint
SELECT count(*)
FROM audit_entries
WHERE organization_id = %(organization_id)s;
