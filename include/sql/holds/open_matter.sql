-- Open a matter, or find the open one of that name; one that was released is not opened again.
--   organization_id  bigint
--   name, reason, authority, actor  text
--   now              timestamptz
-- Returns its id; no row when a released matter has the name.
INSERT INTO matters AS matter (organization_id, name, reason, authority, created_by, created_at)
VALUES (%(organization_id)s, %(name)s, %(reason)s, %(authority)s, %(actor)s, %(now)s)
ON CONFLICT (organization_id, name) DO UPDATE SET name = excluded.name
WHERE matter.released_at IS NULL
RETURNING id;
