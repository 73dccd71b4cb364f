-- Everything the catalogue knows about one document, with where its bytes are.
--   organization_id  bigint
--   external_id      text    also that which a destroyed document had
-- Returns at most one row.
SELECT
    document.id AS document_id,
    organization.slug AS organization,
    document.external_id,
    document.title,
    document.document_type,
    document.owner,
    document.tags,
    document.metadata,
    document.media_type,
    document.size_bytes,
    document.status,
    document.status_before,
    document.hold_count,
    document.created_on,
    document.modified_on,
    document.last_accessed_on,
    document.expires_on,
    document.registered_at,
    document.expired_at,
    document.archived_at,
    document.original_until,
    document.deleted_at,
    document.purge_after,
    document.purging_at,
    document.purged_at,
    document.reprieve_until,
    document.is_baseline,
    original.uri,
    encode(original.sha256, 'hex') AS sha256,
    archived.uri AS archived_uri
FROM documents AS document
INNER JOIN organizations AS organization ON document.organization_id = organization.id
LEFT JOIN stored_objects AS original ON document.stored_object_id = original.id
LEFT JOIN stored_objects AS archived ON document.archived_object_id = archived.id
WHERE
    document.organization_id = %(organization_id)s
    AND document.external_id IN (
        %(external_id)s,
        (SELECT tombstone_key(tombstone_salt, %(external_id)s) FROM deployment)
    );
