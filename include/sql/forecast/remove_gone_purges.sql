-- Forget what is not in the trash of an organization any more, or is purged on another day.
--   organization_id  bigint
DELETE FROM foreseen_purges AS known
WHERE
    known.organization_id = %(organization_id)s
    AND NOT EXISTS (
        SELECT
        FROM documents AS document
        WHERE
            document.id = known.document_id
            AND document.status IN ('deleted', 'purging')
            AND document.purge_after = known.due_on
    );
