-- Let a store belong to an organization from now on: no other registers documents in it any more.
--   name             text
--   organization_id  bigint
-- Returns store_id bigint; no row when there is no such store, or bytes of others lie in it.
UPDATE stores SET organization_id = %(organization_id)s
WHERE
    name = %(name)s
    AND NOT EXISTS (
        SELECT FROM stored_objects AS object
        WHERE
            object.store_id = stores.id
            AND object.organization_id <> %(organization_id)s
            AND object.removed_at IS NULL
    )
RETURNING id AS store_id;
