-- How each table is vacuumed, partitions included.
-- Returns name, is_switched_off, live_rows, dead_rows (as the server estimates them).
SELECT
    relation.relname::text AS name,
    coalesce('autovacuum_enabled=false' = ANY(relation.reloptions), FALSE) AS is_switched_off,
    coalesce(pg_stat_get_live_tuples(relation.oid), 0) AS live_rows,
    coalesce(pg_stat_get_dead_tuples(relation.oid), 0) AS dead_rows
FROM pg_class AS relation
WHERE
    relation.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND relation.relkind = 'r'
ORDER BY relation.relname;
