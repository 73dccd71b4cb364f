-- Documents that stand on damaged bytes, and where their other bytes lie, as far as they have such.
--   organization_id  bigint   NULL for every organization
--   document_id      bigint   only this one; NULL for all
--   size             integer
SELECT
    document.id AS document_id,
    organization.slug AS organization,
    document.external_id,
    document.status,
    CASE
        WHEN document.archived_object_id = damage.object_id THEN 'archived copy'
        ELSE 'original'
    END AS which,
    damage.kind,
    damage.found_at,
    damage.seen_at,
    object.uri,
    object.size_bytes,
    object.sha256,
    damage.found_bytes,
    damage.found_sha256,
    other.uri AS other_uri,
    other.fixity_checked_at AS other_checked_at,
    other.fixity_checked_at IS NOT NULL
    AND other.fixity_by <> 'nobody'
    AND NOT EXISTS (
        SELECT FROM fixity_damages AS second
        WHERE second.object_id = other.id AND second.mended_at IS NULL
    ) AS is_other_sound
FROM fixity_damages AS damage
INNER JOIN stored_objects AS object ON damage.object_id = object.id
INNER JOIN documents AS document
    ON damage.object_id = document.stored_object_id OR damage.object_id = document.archived_object_id
INNER JOIN organizations AS organization ON document.organization_id = organization.id
LEFT JOIN stored_objects AS other
    ON
        other.id IN (document.stored_object_id, document.archived_object_id)
        AND damage.object_id <> other.id
        AND other.removed_at IS NULL
WHERE
    damage.mended_at IS NULL
    AND object.removed_at IS NULL
    AND (
        %(organization_id)s::bigint IS NULL
        OR document.organization_id = %(organization_id)s::bigint
    )
    AND (%(document_id)s::bigint IS NULL OR document.id = %(document_id)s::bigint)
ORDER BY damage.found_at, document.id
LIMIT %(size)s;
