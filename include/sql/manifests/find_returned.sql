-- Which documents are here again that were destroyed: by the key of their external id, whatever number they
-- have now.
--   organization_id  bigint
--   keys             text[]
--   digests          text[]  of each the SHA-256 of the bytes that were destroyed, or NULL
-- Returns document_id, status, hold_count and has_same_bytes: the catalogue records what was destroyed.
SELECT
    document.id AS document_id,
    document.status,
    document.hold_count,
    coalesce(
        coalesce(archived.sha256, original.sha256) = decode(destroyed.digest, 'hex'),
        destroyed.digest IS NULL AND original.id IS NULL AND archived.id IS NULL
    ) AS has_same_bytes
FROM deployment
CROSS JOIN documents AS document
INNER JOIN unnest(%(keys)s::text [], %(digests)s::text []) AS destroyed (key, digest)
    ON tombstone_key(deployment.tombstone_salt, document.external_id) = destroyed.key
LEFT JOIN stored_objects AS original ON document.stored_object_id = original.id
LEFT JOIN stored_objects AS archived ON document.archived_object_id = archived.id
WHERE document.organization_id = %(organization_id)s AND document.status NOT IN ('purging', 'purged')
ORDER BY document.id;
