-- Tables that tasks or readers may not read. Of deployment a reader may read all but its salt, column by
-- column; the list of migrations is the owner's alone.
-- Returns role, table_name.
SELECT
    role.rolname::text AS role,
    relation.relname::text AS table_name
FROM pg_class AS relation
CROSS JOIN pg_roles AS role
WHERE
    relation.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND relation.relkind IN ('r', 'p')
    AND NOT relation.relispartition
    AND relation.relname <> 'schema_migrations'
    AND role.rolname IN ('doclife_worker', 'doclife_reader')
    AND NOT has_table_privilege(role.oid, relation.oid, 'SELECT')
    AND NOT (
        role.rolname = 'doclife_reader'
        AND relation.relname = 'deployment'
        AND has_column_privilege(role.oid, relation.oid, 'deployment_id', 'SELECT')
    )
ORDER BY role.rolname, relation.relname;
