-- Where the originals are of what a bag was begun for.
--   bag_id  bigint
-- Returns uri, version_id, size_bytes.
SELECT
    original.uri,
    original.version_id,
    original.size_bytes
FROM plan_items AS item
INNER JOIN documents AS document ON item.document_id = document.id
INNER JOIN stored_objects AS original ON document.stored_object_id = original.id
WHERE item.bag_id = %(bag_id)s;
