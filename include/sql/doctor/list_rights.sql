-- What the group roles may write, table by table, whoever granted it, PUBLIC included.
-- Returns role, table_name, privilege.
SELECT
    role.rolname::text AS role,
    relation.relname::text AS table_name,
    privilege.name AS privilege
FROM pg_class AS relation
CROSS JOIN pg_roles AS role
CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS privilege (name)
WHERE
    relation.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND relation.relkind IN ('r', 'p')
    AND role.rolname IN ('doclife_worker', 'doclife_application', 'doclife_reader')
    AND has_table_privilege(role.oid, relation.oid, privilege.name)
ORDER BY role.rolname, relation.relname, privilege.name;
