-- Note what documents are called that are about to become tombstones.
--   document_ids  bigint[]
INSERT INTO pg_temp.residue (
    document_id, organization_id, attached_table_id, external_id, words, object_ids
)
SELECT
    document.id,
    document.organization_id,
    document.attached_table_id,
    document.external_id,
    array_remove(
        ARRAY[document.title, document.owner, document.external_id, document.original_uri]
        || coalesce(place.words, '{}')
        || coalesce(said.comments, '{}'),
        NULL
    ),
    coalesce(place.object_ids, '{}')
FROM documents AS document
LEFT JOIN LATERAL (
    SELECT
        array_agg(object.uri) || array_agg(regexp_replace(object.uri, '^.*/', '')) AS words,
        array_agg(object.id) AS object_ids
    FROM stored_objects AS object
    WHERE
        object.bag_id IS NULL
        AND (
            object.id IN (document.stored_object_id, document.archived_object_id)
            OR object.uri = document.original_uri
        )
) AS place ON TRUE
LEFT JOIN LATERAL (
    SELECT array_agg(decision.comment) AS comments
    FROM plan_items AS item
    INNER JOIN plan_decisions AS decision
        ON item.plan_id = decision.plan_id AND item.document_id = decision.document_id
    WHERE item.document_id = document.id AND decision.comment IS NOT NULL
) AS said ON TRUE
WHERE document.id = ANY(%(document_ids)s::bigint []);
