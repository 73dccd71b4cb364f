-- Record what lies where, for every row that is not left alone. Two rows may name the same bytes.
-- Bytes at a place where others were removed before take over that row.
--   now  timestamptz
INSERT INTO stored_objects AS known (
    store_id, uri, size_bytes, sha256, etag, version_id, modified_at, created_at, verified_at
)
SELECT DISTINCT ON (row.uri)
    row.store_id,
    row.uri,
    row.size_bytes,
    row.sha256,
    row.etag,
    row.version_id,
    row.modified_at,
    %(now)s AS created_at,
    %(now)s AS verified_at
FROM pg_temp.import_rows AS row
WHERE row.outcome IN ('new', 'changed', 'unchanged') AND row.has_other_facts
-- In one order everywhere, so that two imports at once wait for each other instead of dying.
ORDER BY row.uri ASC
ON CONFLICT (uri) DO UPDATE
SET
size_bytes = excluded.size_bytes,
sha256 = excluded.sha256,
etag = excluded.etag,
version_id = excluded.version_id,
modified_at = excluded.modified_at,
verified_at = excluded.verified_at,
removing_since = NULL,
removed_at = NULL
WHERE known.removing_since IS NULL OR (known.removed_at IS NOT NULL AND known.reference_count = 0);
