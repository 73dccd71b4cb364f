-- What is recorded about bytes, to skip reading them again where a quick import was asked for.
--   uris  text[]
-- Returns uri text, size_bytes bigint, sha256 bytea, etag text, version_id text, modified_at
-- timestamptz.
SELECT
    uri,
    size_bytes,
    sha256,
    etag,
    version_id,
    modified_at
FROM stored_objects
WHERE uri = ANY(%(uris)s::text []) AND removed_at IS NULL;
