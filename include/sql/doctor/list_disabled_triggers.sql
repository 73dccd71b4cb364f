-- Triggers that somebody has switched off: guards that guard nothing.
-- Returns name, table_name.
SELECT
    found.tgname::text AS name,
    relation.relname::text AS table_name
FROM pg_trigger AS found
INNER JOIN pg_class AS relation ON found.tgrelid = relation.oid
WHERE
    relation.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND found.tgenabled = 'D'
ORDER BY relation.relname, found.tgname;
