-- Open a matter; event and audit entry are written by trigger.
--   organization_id  bigint
--   name, reason     text
--   authority        text         NULL where nobody ordered it
--   condition        jsonb        NULL for a matter that holds only what is put under it
--   actor            text
--   now              timestamptz
-- Returns its id; no row when there is a matter of that name.
INSERT INTO matters (
    organization_id, name, reason, authority, condition, created_by, created_at
)
VALUES (
    %(organization_id)s, %(name)s, %(reason)s, %(authority)s, %(condition)s, %(actor)s, %(now)s
)
ON CONFLICT (organization_id, name) DO NOTHING
RETURNING id;
