-- Take over what changed, with audit entry and event each. Dates that the store says (not the
-- manifest) only count when the bytes changed: touching a file must not move its retention.
--   organization_id  bigint
--   now              timestamptz
--   today            date       the present day in the organization's zone
--   actor            text
--   source           text       what was imported
--   is_baseline      boolean    true for a first import: no events
-- Returns how many there were.
WITH updated AS (
    UPDATE documents AS document
    SET
        title = coalesce(row.title, document.title),
        document_type = coalesce(row.document_type, document.document_type),
        owner = coalesce(row.owner, document.owner),
        tags = coalesce(row.tags, document.tags),
        metadata = document.metadata || coalesce(row.metadata, '{}'),
        media_type = coalesce(row.media_type, document.media_type),
        size_bytes = object.size_bytes,
        stored_object_id = object.id,
        created_on = coalesce(row.created_on, document.created_on),
        modified_on = coalesce(
            row.modified_on,
            CASE WHEN row.has_other_bytes OR own.uri IS DISTINCT FROM row.uri THEN row.written_on END,
            document.modified_on
        ),
        last_accessed_on = coalesce(row.last_accessed_on, document.last_accessed_on),
        expires_on = coalesce(row.expires_on, document.expires_on),
        -- Other bytes of the same size on the same day change no field: a plan must see it here.
        version = document.version + 1
    FROM pg_temp.import_rows AS row
    INNER JOIN documents AS before ON row.document_id = before.id
    LEFT JOIN stored_objects AS own ON before.stored_object_id = own.id
    INNER JOIN stored_objects AS object ON row.uri = object.uri
    WHERE
        row.outcome = 'changed'
        AND document.id = row.document_id
        -- The bytes of a document that was archived meanwhile are those in its bag.
        AND (
            document.status = 'active'
            OR (
                document.status = 'archived'
                AND NOT row.has_other_bytes
                AND own.uri IS NOT DISTINCT FROM row.uri
            )
        )
    RETURNING
        document.id,
        object.uri,
        object.sha256,
        row.has_other_bytes OR own.uri IS DISTINCT FROM row.uri AS has_other_bytes
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, payload, occurred_on, recorded_at, actor
    )
    SELECT
        %(organization_id)s,
        'document.changed',
        updated.id,
        jsonb_build_object('has_other_bytes', updated.has_other_bytes),
        %(today)s,
        %(now)s,
        %(actor)s
    FROM updated
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
        'document.changed',
        updated.id,
        CASE WHEN updated.has_other_bytes THEN 'other bytes' ELSE 'other fields' END
        || ', imported from ' || %(source)s,
        jsonb_build_object('uri', updated.uri, 'sha256', encode(updated.sha256, 'hex'))
    FROM updated
)

SELECT count(*)
FROM updated;
