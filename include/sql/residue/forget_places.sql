-- Forget where the destroyed bytes of the batch's documents lay; their size and digest stay. Bytes that
-- others still need keep their place.
UPDATE stored_objects AS object
SET uri = store.root_uri || '/.forgotten/' || object.id
FROM pg_temp.residue, stores AS store
WHERE
    object.id = ANY(residue.object_ids)
    AND store.id = object.store_id
    AND object.removed_at IS NOT NULL
    AND object.reference_count = 0
    AND object.bag_id IS NULL;
