-- Register the new documents of the batch, with event and audit entry each: all of it or nothing.
--   organization_id  bigint
--   now              timestamptz
--   today            date       the present day in the organization's zone
--   actor            text
--   source           text       what was imported
--   is_baseline      boolean    true for a first import: no events, and one audit entry for all
-- Returns how many there were. A document that another import registered since the comparison is
-- not among them; the next import compares with it. OFFSET 0 makes a join one look into a unique
-- index per row, whatever the statistics say.
WITH registered AS (
    INSERT INTO documents (
        organization_id, external_id, title, document_type, owner, tags, metadata, media_type,
        size_bytes, stored_object_id, created_on, modified_on, last_accessed_on, expires_on,
        registered_at, is_baseline
    )
    SELECT
        %(organization_id)s,
        row.external_id,
        coalesce(row.title, row.default_title),
        row.document_type,
        row.owner,
        coalesce(row.tags, '{}'),
        coalesce(row.metadata, '{}'),
        coalesce(row.media_type, row.default_media_type),
        object.size_bytes,
        object.id,
        coalesce(row.created_on, row.written_on),
        coalesce(row.modified_on, row.written_on),
        row.last_accessed_on,
        row.expires_on,
        %(now)s,
        %(is_baseline)s
    FROM pg_temp.import_rows AS row
    CROSS JOIN LATERAL (
        SELECT
            stored.id,
            stored.size_bytes
        FROM stored_objects AS stored
        WHERE stored.uri = row.uri
        OFFSET 0 -- noqa: AM09
    ) AS object
    WHERE row.outcome = 'new'
    ORDER BY row.line
    ON CONFLICT (organization_id, external_id) DO NOTHING
    RETURNING id, stored_object_id
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor
    )
    SELECT
        %(organization_id)s,
        'document.registered',
        registered.id,
        %(today)s,
        %(now)s,
        %(actor)s
    FROM registered
    WHERE NOT %(is_baseline)s
),

audited AS (
    INSERT INTO audit_entries (
        organization_id, at, actor, action, document_id, reason, details
    )
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        'document.registered',
        registered.id,
        'imported from ' || %(source)s,
        jsonb_build_object('uri', object.uri, 'sha256', encode(object.sha256, 'hex'))
    FROM registered
    CROSS JOIN LATERAL (
        SELECT
            stored.uri,
            stored.sha256
        FROM stored_objects AS stored
        WHERE stored.id = registered.stored_object_id
        OFFSET 0 -- noqa: AM09
    ) AS object
    WHERE NOT %(is_baseline)s
),

summarised AS (
    INSERT INTO audit_entries (organization_id, at, actor, action, reason, details)
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        'documents.registered',
        'first import from ' || %(source)s,
        jsonb_build_object(
            'count', count(*), 'from_document', min(registered.id), 'to_document', max(registered.id)
        )
    FROM registered
    WHERE %(is_baseline)s
    HAVING count(*) > 0
)

SELECT count(*)
FROM registered;
