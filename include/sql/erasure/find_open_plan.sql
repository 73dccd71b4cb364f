-- The plan for a selection that is not ended yet, whichever run stored it.
--   organization_id  bigint
--   selection_key    text
-- Returns its id, or no row.
SELECT id
FROM plans
WHERE
    organization_id = %(organization_id)s
    AND selection_key = %(selection_key)s
    AND mode = 'enforce'
    AND document_count > 0
    AND state IN ('planned', 'needs_approval', 'approved', 'applying')
ORDER BY id DESC
LIMIT 1;
