-- How many documents each of some rules cannot judge because what it needs is missing or malformed. One
-- look at the catalogue for all of them: by itself each would read all of it, because no index knows what
-- is missing.
--   organization_id  bigint
--   document_ids     bigint[]  only these; NULL for all
--   {unknown_counts}           one count per rule, of what its compiled test is true of
-- Returns counts bigint[], in the order of the rules.
SELECT ARRAY[{unknown_counts}] AS counts
FROM documents AS d
WHERE
    d.organization_id = %(organization_id)s
    AND d.status IN ('active', 'archived')
    AND (%(document_ids)s::bigint [] IS NULL OR d.id = ANY(%(document_ids)s::bigint []));
