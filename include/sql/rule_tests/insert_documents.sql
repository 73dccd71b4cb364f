-- Register the documents of a test of rules, with bytes that nobody reads; always rolled back.
--   organization_id  bigint
--   store            text   name of the test's own store
--   documents        jsonb  one object per document, named like the columns; has_bytes boolean
-- Result: id bigint, external_id text.
WITH given AS MATERIALIZED (
    SELECT listed.*
    FROM jsonb_to_recordset(%(documents)s) AS listed (
        external_id text, title text, document_type text, owner text, tags text [], metadata jsonb,
        media_type text, size_bytes bigint, created_on date, modified_on date,
        last_accessed_on date, expires_on date, registered_at timestamptz, has_bytes boolean,
        position integer
    )
),

store AS (
    INSERT INTO stores (name, root_uri)
    VALUES (%(store)s, 'file:///' || %(store)s)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
    RETURNING id, root_uri
),

bytes AS (
    INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)
    SELECT
        store.id,
        store.root_uri || '/' || given.position,
        given.size_bytes,
        decode(repeat('00', 32), 'hex')
    FROM given
    CROSS JOIN store
    WHERE given.has_bytes
    RETURNING id, uri
)

INSERT INTO documents (
    organization_id, external_id, title, document_type, owner, tags, metadata, media_type,
    size_bytes, created_on, modified_on, last_accessed_on, expires_on, registered_at,
    stored_object_id
)
SELECT
    %(organization_id)s,
    given.external_id,
    given.title,
    given.document_type,
    given.owner,
    given.tags,
    given.metadata,
    given.media_type,
    given.size_bytes,
    given.created_on,
    given.modified_on,
    given.last_accessed_on,
    given.expires_on,
    given.registered_at,
    bytes.id
FROM given
CROSS JOIN store
LEFT JOIN bytes ON bytes.uri = store.root_uri || '/' || given.position
RETURNING id, external_id;
