-- A matter by its name.
--   organization_id  bigint
--   name             text
SELECT
    id,
    released_at
FROM matters
WHERE organization_id = %(organization_id)s AND name = %(name)s;
