-- Say for each row of the batch what is to be done, by what the catalogue knows.
--   organization_id  bigint
--   began_at         timestamptz  bytes that were removed later than this may be the ones just read
-- outcome becomes new, changed, unchanged, or the reason why the row is left alone: in_trash,
-- changed_in_trash, purged, changed_after_archiving or being_destroyed.
-- Returns one row of four booleans: whether there is anything for record_objects, insert_documents,
-- update_documents and update_sharers to do.
WITH compared AS (
    UPDATE pg_temp.import_rows AS row
    SET
        document_id = known.id,
        has_other_bytes = coalesce(object.sha256 <> row.sha256, false),
        has_other_facts = (
            object.size_bytes, object.sha256, object.etag, object.version_id, object.modified_at,
            object.removed_at
        ) IS DISTINCT FROM (
            row.size_bytes, row.sha256, row.etag, row.version_id, row.modified_at, NULL::timestamptz
        ),
        outcome = CASE
            WHEN
                object.removing_since IS NOT NULL
                AND (
                    object.removed_at IS NULL
                    OR object.removed_at >= %(began_at)s
                    OR object.reference_count > 0
                )
                THEN 'being_destroyed'
            WHEN known.id IS NULL
                THEN 'new'
            WHEN known.status IN ('purging', 'purged')
                THEN 'purged'
            WHEN
                known.status <> 'active'
                AND (own.uri, own.sha256) IS DISTINCT FROM (row.uri, row.sha256)
                THEN CASE known.status
                    WHEN 'deleted' THEN 'changed_in_trash'
                    ELSE 'changed_after_archiving'
                END
            WHEN known.status = 'deleted'
                THEN 'in_trash'
            WHEN
                (own.uri, own.sha256) IS DISTINCT FROM (row.uri, row.sha256)
                OR row.title <> coalesce(known.title, '')
                OR row.document_type <> coalesce(known.document_type, '')
                OR row.owner <> coalesce(known.owner, '')
                OR row.media_type <> coalesce(known.media_type, '')
                OR row.tags IS DISTINCT FROM coalesce(known.tags, '{}') AND row.tags IS NOT NULL
                OR NOT known.metadata @> coalesce(row.metadata, '{}')
                OR row.created_on <> coalesce(known.created_on, 'infinity')
                OR row.modified_on <> coalesce(known.modified_on, 'infinity')
                OR row.last_accessed_on <> coalesce(known.last_accessed_on, 'infinity')
                OR row.expires_on <> coalesce(known.expires_on, 'infinity')
                THEN 'changed'
            ELSE 'unchanged'
        END
    FROM pg_temp.import_rows AS given
    -- OFFSET 0 makes each of these one look into a unique index per row, whatever the statistics say:
    -- in the middle of a first import they still describe an empty catalogue. One row needs no order
    -- (AM09), and what stands before a LATERAL may be named in it (RF01). What was destroyed is known
    -- by the key of its tombstone alone, which has an index of its own.
    LEFT JOIN LATERAL (
        SELECT either.*
        FROM (
            SELECT document.*
            FROM documents AS document
            WHERE
                document.organization_id = %(organization_id)s
                AND document.external_id = given.external_id -- noqa: RF01
            UNION ALL
            SELECT tombstone.*
            FROM documents AS tombstone
            WHERE
                tombstone.organization_id IS NOT DISTINCT FROM %(organization_id)s
                AND starts_with(tombstone.external_id, 'purged:')
                AND tombstone.external_id = tombstone_key(
                    (SELECT deployment.tombstone_salt FROM deployment),
                    given.external_id -- noqa: RF01
                )
        ) AS either
        OFFSET 0 -- noqa: AM09
    ) AS known ON true
    LEFT JOIN LATERAL (
        SELECT
            stored.uri,
            stored.sha256
        FROM stored_objects AS stored
        WHERE stored.id = known.stored_object_id -- noqa: RF01
        OFFSET 0 -- noqa: AM09
    ) AS own ON true
    LEFT JOIN LATERAL (
        SELECT stored.*
        FROM stored_objects AS stored
        WHERE stored.uri = given.uri -- noqa: RF01
        OFFSET 0 -- noqa: AM09
    ) AS object ON true
    WHERE row.line = given.line
    RETURNING row.outcome, row.has_other_facts, row.has_other_bytes
)

SELECT
    coalesce(
        bool_or(has_other_facts AND outcome IN ('new', 'changed', 'unchanged')), false
    ) AS has_objects,
    coalesce(bool_or(outcome = 'new'), false) AS has_new,
    coalesce(bool_or(outcome = 'changed'), false) AS has_changed,
    coalesce(bool_or(has_other_bytes AND outcome IN ('new', 'changed')), false) AS has_other_bytes
FROM compared;
