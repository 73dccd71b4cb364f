-- The indexes there are. One that was made CONCURRENTLY and failed stays behind, not valid.
-- Returns name, is_valid.
SELECT
    relation.relname::text AS name,
    index.indisvalid AS is_valid
FROM pg_index AS index
INNER JOIN pg_class AS relation ON index.indexrelid = relation.oid
WHERE
    relation.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
ORDER BY relation.relname;
