-- How many objects lie in each store, and how large they are together.
-- Returns store_id bigint, object_count bigint, size_bytes numeric; no row for an empty store.
SELECT
    store_id,
    count(*) AS object_count,
    sum(size_bytes) AS size_bytes
FROM stored_objects
WHERE removed_at IS NULL
GROUP BY store_id;
