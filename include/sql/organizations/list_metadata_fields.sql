-- The metadata keys that an organization's rules may use.
--   organization_id  bigint
-- Returns name text, type text.
SELECT
    name,
    type
FROM metadata_fields
WHERE organization_id = %(organization_id)s
ORDER BY name;
