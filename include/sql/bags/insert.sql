-- Register a bag before its first byte is written, so that a leftover can be found and swept.
--   organization_id, store_id, plan_id
--   info  jsonb        what bag-info.txt says: rule, authority, retain-until
--   now   timestamptz
-- Returns its id; the uri is set by bags/set_uri.sql, for it holds the id.
INSERT INTO archive_bags (organization_id, store_id, plan_id, uri, info, created_at)
VALUES (
    %(organization_id)s,
    %(store_id)s,
    %(plan_id)s,
    'unplaced:' || gen_random_uuid(),
    %(info)s,
    %(now)s
)
RETURNING id;
