-- A matter by its name.
--   organization_id  bigint
--   name             text
SELECT
    id,
    name,
    reason,
    authority,
    condition,
    created_by,
    created_at,
    changed_by,
    changed_at,
    released_by,
    released_at,
    release_reason
FROM matters
WHERE organization_id = %(organization_id)s AND name = %(name)s;
