-- A table of an application, and what the present login may do with it.
--   schema_name  text
--   table_name   text
-- Returns table_oid oid, is_table boolean, may_read boolean, may_attach boolean, hides_rows boolean
-- (row-level security keeps rows from this login), owner text, is_own boolean (the owner is this login)
-- and owner_may_create boolean (functions of its own in doclife's schema); no row when there is no
-- such relation.
SELECT
    relation.oid AS table_oid,
    relation.relkind IN ('r', 'p') AS is_table,
    has_table_privilege(relation.oid, 'SELECT') AS may_read,
    has_table_privilege(relation.oid, 'TRIGGER') AS may_attach,
    row_security_active(relation.oid) AS hides_rows,
    pg_get_userbyid(relation.relowner)::text AS owner,
    pg_get_userbyid(relation.relowner) = current_user AS is_own,
    has_schema_privilege(relation.relowner, 'doclife', 'CREATE') AS owner_may_create
FROM pg_catalog.pg_class AS relation
INNER JOIN pg_catalog.pg_namespace AS namespace ON relation.relnamespace = namespace.oid
WHERE
    namespace.nspname = %(schema_name)s
    AND relation.relname = %(table_name)s
    AND relation.relkind IN ('r', 'p', 'v', 'm', 'f');
