-- The original bytes are back in their place: register them and let the document stand on them.
--   document_id  bigint
--   uri          text
--   size_bytes   bigint
--   sha256       bytea
--   etag, version_id  text
--   store_id     bigint
--   now          timestamptz
-- Returns the document; no row when a purge is destroying the bytes at that place.
WITH original AS (
    INSERT INTO stored_objects (
        store_id, uri, size_bytes, sha256, etag, version_id, created_at, verified_at
    )
    VALUES (
        %(store_id)s,
        %(uri)s,
        %(size_bytes)s,
        %(sha256)s,
        %(etag)s,
        %(version_id)s,
        %(now)s,
        %(now)s
    )
    ON CONFLICT (uri) DO UPDATE
    SET
        size_bytes = excluded.size_bytes,
        sha256 = excluded.sha256,
        etag = excluded.etag,
        version_id = excluded.version_id,
        verified_at = excluded.verified_at,
        removing_since = NULL,
        removed_at = NULL
    -- Bytes that a purge is destroying are no place to stand on.
    WHERE
        stored_objects.removing_since IS NULL
        OR (stored_objects.removed_at IS NOT NULL AND stored_objects.reference_count = 0)
    RETURNING id
)

UPDATE documents
SET stored_object_id = original.id
FROM original
WHERE documents.id = %(document_id)s
RETURNING documents.id;
