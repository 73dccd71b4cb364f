-- Whether another document is registered at a place, with other bytes than those to be put back.
--   document_id  bigint  that is to have its bytes back
--   uri          text
--   sha256       bytea
SELECT count(*) > 0 AS is_taken
FROM stored_objects AS object
INNER JOIN documents AS other ON object.id = other.stored_object_id
WHERE
    object.uri = %(uri)s
    AND object.sha256 <> %(sha256)s
    AND other.id <> %(document_id)s;
