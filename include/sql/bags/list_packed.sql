-- What the catalogue knows of the documents that the manifest of a bag names. Numbers are given again after a
-- restore, so that only who has the same digest is meant.
--   organization_id  bigint
--   document_ids     bigint[]
--   digests          bytea[]   SHA-256 of each
-- Returns document_id, external_id, modified_on, uri, version_id (of its original), is_archived (another bag has it).
SELECT
    document.id AS document_id,
    document.external_id,
    document.modified_on,
    original.uri,
    original.version_id,
    document.archived_object_id IS NOT NULL AS is_archived
FROM unnest(%(document_ids)s::bigint [], %(digests)s::bytea []) AS packed (document_id, sha256)
INNER JOIN documents AS document
    ON packed.document_id = document.id AND document.organization_id = %(organization_id)s
INNER JOIN stored_objects AS original
    ON document.stored_object_id = original.id AND packed.sha256 = original.sha256
ORDER BY document.id;
