-- Where the next part of an organization's catalogue ends.
--   organization_id  bigint
--   after_id         bigint   where the part before ended; 0 to begin
--   size             integer  documents per part
-- Returns through_id; NULL when there is no more.
SELECT max(id) AS through_id
FROM (
    SELECT id
    FROM documents
    WHERE organization_id = %(organization_id)s AND id > %(after_id)s
    ORDER BY id
    LIMIT %(size)s
) AS part;
