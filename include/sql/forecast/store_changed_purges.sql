-- Write down when what is in the trash of an organization is purged, where that is stored otherwise
-- or not at all.
--   organization_id  bigint
INSERT INTO foreseen_purges (organization_id, due_on, document_id, is_held, size_bytes)
SELECT
    document.organization_id,
    document.purge_after,
    document.id,
    document.hold_count > 0,
    coalesce(document.size_bytes, 0)
FROM documents AS document
LEFT JOIN foreseen_purges AS known
    ON
        document.organization_id = known.organization_id
        AND document.purge_after = known.due_on
        AND document.id = known.document_id
WHERE
    document.organization_id = %(organization_id)s
    AND document.status IN ('deleted', 'purging')
    AND document.purge_after IS NOT NULL
    AND (
        known.document_id IS NULL
        OR known.is_held <> (document.hold_count > 0)
        OR known.size_bytes <> coalesce(document.size_bytes, 0)
    )
ON CONFLICT (organization_id, due_on, document_id) DO UPDATE
SET is_held = excluded.is_held, size_bytes = excluded.size_bytes;
