-- Who may log in and work with the catalogue. Superusers, who may everything, are left out.
-- Returns name, is_owner, is_worker, is_bypassing (row-level security).
SELECT
    role.rolname::text AS name,
    pg_has_role(role.oid, 'doclife_owner', 'MEMBER') AS is_owner,
    pg_has_role(role.oid, 'doclife_worker', 'MEMBER') AS is_worker,
    role.rolbypassrls AS is_bypassing
FROM pg_roles AS role
WHERE
    role.rolcanlogin
    AND NOT role.rolsuper
    AND (
        pg_has_role(role.oid, 'doclife_owner', 'MEMBER')
        OR pg_has_role(role.oid, 'doclife_worker', 'MEMBER')
    )
ORDER BY role.rolname;
