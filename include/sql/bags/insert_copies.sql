-- Register the payloads of a bag as stored objects; a document refers to each once it is archived.
--   store_id, bag_id
--   now     timestamptz
--   copies  jsonb        list of {uri, size_bytes, sha256 (hex), etag, version_id}
INSERT INTO stored_objects (
    store_id, uri, size_bytes, sha256, etag, version_id, bag_id, created_at, verified_at
)
SELECT
    %(store_id)s,
    copy.uri,
    copy.size_bytes,
    decode(copy.sha256, 'hex'),
    copy.etag,
    copy.version_id,
    %(bag_id)s,
    %(now)s AS created_at,
    %(now)s AS verified_at
FROM jsonb_to_recordset(%(copies)s) AS copy (
    uri text, size_bytes bigint, sha256 text, etag text, version_id text
);
