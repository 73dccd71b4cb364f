-- The tables of the catalogue; partitions are counted with the table that they are parts of.
-- Returns name.
SELECT relation.relname::text AS name
FROM pg_class AS relation
WHERE
    relation.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND relation.relkind IN ('r', 'p')
    AND NOT relation.relispartition
ORDER BY relation.relname;
