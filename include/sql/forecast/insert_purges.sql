-- Write down when what is in the trash of an organization is purged.
--   organization_id  bigint
INSERT INTO foreseen_purges (organization_id, due_on, document_id, is_held, size_bytes)
SELECT
    organization_id,
    purge_after,
    id,
    hold_count > 0,
    coalesce(size_bytes, 0)
FROM documents
WHERE
    organization_id = %(organization_id)s
    AND status IN ('deleted', 'purging')
    AND purge_after IS NOT NULL;
