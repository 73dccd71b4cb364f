-- The columns of documents that an index leads to within an organization.
-- Result: name text.
SELECT DISTINCT indexed.attname::text AS name
FROM pg_index AS one
INNER JOIN pg_attribute AS indexed
    ON one.indrelid = indexed.attrelid AND indexed.attnum = ANY(one.indkey)
WHERE
    one.indrelid = 'documents'::regclass
    AND one.indisvalid
    AND indexed.attname NOT IN ('id', 'organization_id')
ORDER BY name;
