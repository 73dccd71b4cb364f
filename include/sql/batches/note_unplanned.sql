-- Note what holding, releasing or restoring each chosen document would come to.
--   organization_id  bigint    documents of other organizations are passed over
--   document_ids     bigint[]
--   deed             text      hold, release or restore
--   matter_id        bigint    of hold and release; NULL for a matter that is only to be opened
INSERT INTO pg_temp.batch_outcomes (document_id, code)
SELECT
    document.id,
    CASE %(deed)s
        WHEN 'restore' THEN CASE document.status
            WHEN 'active' THEN 'is_active'
            WHEN 'purging' THEN 'being_destroyed'
            WHEN 'purged' THEN 'destroyed'
        END
        WHEN 'release' THEN CASE
            WHEN hold.document_id IS NULL OR hold.too_late_since IS NOT NULL THEN 'not_held'
        END
        ELSE CASE
            WHEN hold.document_id IS NOT NULL AND hold.too_late_since IS NULL THEN 'is_held'
            WHEN document.status = 'purging' THEN 'being_destroyed'
            WHEN document.status = 'purged' THEN 'destroyed'
        END
    END
FROM documents AS document
-- Looked up one by one: after a large hold the database has no statistics yet, and would compare each
-- document with each hold.
LEFT JOIN LATERAL (
    SELECT
        found.document_id,
        found.too_late_since
    FROM matter_documents AS found
    WHERE
        found.matter_id = %(matter_id)s
        AND found.document_id = document.id
        AND found.released_at IS NULL
    ORDER BY found.document_id
    LIMIT 1
) AS hold ON TRUE
WHERE
    document.organization_id = %(organization_id)s
    AND document.id = ANY(%(document_ids)s::bigint []);
