-- Keep of documents what their certificate of destruction will list, in the transaction that leaves only
-- their tombstones: titles are hashed with a salt of their own while they are still there. Only documents
-- all of whose bytes are verified gone, or stay because others need them.
--   plan_id       bigint
--   document_ids  bigint[]
--   found_gone    bigint[]  stored objects that were gone before they were to be removed
--   links         jsonb     other hard links that lead to the bytes of a stored object, by its id
--   now           timestamptz
-- Returns document_id of each.
WITH gone AS MATERIALIZED (
    SELECT
        document.id,
        document.organization_id,
        document.title,
        document.external_id,
        document.document_type,
        document.created_on,
        document.deleted_at,
        document.size_bytes,
        document.stored_object_id,
        document.archived_object_id,
        uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS salt
    FROM documents AS document
    WHERE
        document.id = ANY(%(document_ids)s::bigint [])
        AND document.status = 'purging'
        AND NOT EXISTS (
            SELECT
            FROM stored_objects AS object
            WHERE
                object.id IN (document.stored_object_id, document.archived_object_id)
                AND object.removing_since IS NOT NULL
                AND object.removed_at IS NULL
        )
    FOR NO KEY UPDATE
)

INSERT INTO certificate_items (
    plan_id, document_id, organization_id, salt, title_hash, external_id_hash, document_type,
    sha256, size_bytes, dated_on, trashed_at, rule, authority, trashed_by, reason, contents,
    destroyed_at
)
SELECT
    %(plan_id)s,
    gone.id,
    gone.organization_id,
    gone.salt,
    sha256(gone.salt || convert_to('title:' || gone.title, 'UTF8')),
    sha256(gone.salt || convert_to('external_id:' || gone.external_id, 'UTF8')),
    gone.document_type,
    content.sha256,
    coalesce(content.size_bytes, gone.size_bytes),
    gone.created_on,
    coalesce(gone.deleted_at, %(now)s),
    trashed.rule,
    -- An erasure rests on its own, whatever trashed the document before.
    coalesce(
        (SELECT erasing.options ->> 'authority' FROM plans AS erasing WHERE erasing.id = %(plan_id)s),
        trashed.authority
    ),
    trashed.requested_by,
    trashed.reason,
    coalesce(content.stored, '[]'),
    %(now)s
FROM gone
LEFT JOIN LATERAL (
    SELECT
        (array_agg(object.sha256 ORDER BY object.id))[1] AS sha256,
        (array_agg(object.size_bytes ORDER BY object.id))[1] AS size_bytes,
        jsonb_agg(
            jsonb_build_object(
                'store', store.name,
                'outcome', CASE
                    WHEN object.removed_at IS NULL THEN 'kept'
                    WHEN object.id = ANY(%(found_gone)s::bigint []) THEN 'found_gone'
                    ELSE 'destroyed'
                END,
                'is_copy', coalesce(object.id = gone.archived_object_id, false),
                'has_versions', object.version_id IS NOT NULL,
                'other_links', coalesce((%(links)s::jsonb ->> object.id::text)::integer, 0)
            )
            ORDER BY object.id
        ) AS stored
    FROM stored_objects AS object
    INNER JOIN stores AS store ON object.store_id = store.id
    WHERE object.id IN (gone.stored_object_id, gone.archived_object_id)
) AS content ON TRUE
LEFT JOIN LATERAL (
    SELECT
        rule.name || '@' || version.version AS rule,
        coalesce(version.definition ->> 'authority', plan.options ->> 'authority') AS authority,
        -- What a person wrote or chose by may name somebody.
        CASE WHEN rule.id IS NOT NULL THEN item.reason END AS reason,
        CASE WHEN rule.id IS NULL THEN plan.requested_by END AS requested_by
    FROM plan_items AS item
    INNER JOIN plans AS plan ON item.plan_id = plan.id
    LEFT JOIN rule_versions AS version ON item.rule_version_id = version.id
    LEFT JOIN rules AS rule ON version.rule_id = rule.id
    WHERE item.document_id = gone.id AND item.action = 'DELETE' AND item.state = 'done'
    ORDER BY item.finished_at DESC
    LIMIT 1
) AS trashed ON TRUE
RETURNING document_id;
