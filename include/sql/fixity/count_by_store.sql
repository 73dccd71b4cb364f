-- How far the bytes of each store are checked.
SELECT
    store.name AS store,
    count(*) AS objects,
    sum(object.size_bytes)::bigint AS bytes,
    count(*) FILTER (WHERE object.fixity_checked_at IS NULL) AS never_checked,
    count(*) FILTER (WHERE object.fixity_by = 'nobody') AS cold,
    min(object.fixity_checked_at) AS oldest_check
FROM stored_objects AS object
INNER JOIN stores AS store ON object.store_id = store.id
WHERE object.removed_at IS NULL AND object.removing_since IS NULL AND object.reference_count > 0
GROUP BY store.name
ORDER BY store.name;
