-- Every store, oldest first.
-- Returns store_id bigint, name text, root_uri text, connection_id text, marker_id uuid, is_cold
-- boolean.
SELECT
    id AS store_id,
    name,
    root_uri,
    connection_id,
    marker_id,
    is_cold
FROM stores
ORDER BY id;
