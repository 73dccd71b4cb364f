-- Where a batch of an import waits to be compared with the catalogue, for this session only.
-- NULL in title ... metadata means: not given, so what the catalogue says stays.
CREATE TEMPORARY TABLE IF NOT EXISTS import_rows (
    line bigint NOT NULL,
    external_id text NOT NULL,
    uri text NOT NULL,
    store_id bigint NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    etag text,
    version_id text,
    modified_at timestamptz,
    -- The day of modified_at in the organization's zone, for dates that are not given.
    written_on date,
    default_title text NOT NULL,
    default_media_type text,
    title text,
    document_type text,
    owner text,
    tags text [],
    media_type text,
    metadata jsonb,
    created_on date,
    modified_on date,
    last_accessed_on date,
    expires_on date,
    -- Set by imports/compare.
    document_id bigint,
    outcome text,
    has_other_bytes boolean NOT NULL DEFAULT false,
    has_other_facts boolean NOT NULL DEFAULT false
) ON COMMIT DELETE ROWS;
