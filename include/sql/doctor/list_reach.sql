-- What logins of applications may beyond doclife_application: another role of doclife's, or a right on a table
-- that somebody granted to themselves. Superusers, who may everything, are left out.
-- Returns login, role, table_name, privilege: either role, or the other two.
WITH application AS (
    SELECT
        role.oid,
        role.rolname::text AS login
    FROM pg_roles AS role
    WHERE
        role.rolcanlogin
        AND NOT role.rolsuper
        AND pg_has_role(role.oid, 'doclife_application', 'USAGE')
)

SELECT
    application.login,
    other.name AS role,
    NULL::text AS table_name,
    NULL::text AS privilege
FROM application
CROSS JOIN (VALUES ('doclife_owner'), ('doclife_worker')) AS other (name)
WHERE pg_has_role(application.oid, other.name, 'USAGE')
UNION ALL
SELECT
    application.login,
    NULL::text AS role,
    relation.relname::text AS table_name,
    granted.privilege_type AS privilege
FROM application
CROSS JOIN pg_class AS relation
CROSS JOIN LATERAL aclexplode(relation.relacl) AS granted
WHERE
    relation.relnamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND relation.relkind IN ('r', 'p', 'v')
    AND granted.grantee = application.oid
    AND relation.relowner <> application.oid
ORDER BY login, role, table_name, privilege;
