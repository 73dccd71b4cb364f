-- Receive a batch in the order of the fields of store.importing.ImportRow.
COPY pg_temp.import_rows (
    line, external_id, uri, store_id, size_bytes, sha256, etag, version_id, modified_at, written_on,
    default_title, default_media_type, title, document_type, owner, tags, media_type, metadata,
    created_on, modified_on, last_accessed_on, expires_on
) FROM STDIN;
