-- Which server this is, and what this login may do on it. Needs no migration.
-- Returns one row: system_identifier (of the data folder, text), version (as 180000), login, is_superuser,
-- may_create_databases, may_create_roles.
SELECT
    system.system_identifier::text AS system_identifier,
    current_setting('server_version_num')::integer AS version,
    role.rolname::text AS login,
    role.rolsuper AS is_superuser,
    role.rolsuper OR role.rolcreatedb AS may_create_databases,
    role.rolsuper OR role.rolcreaterole AS may_create_roles
FROM pg_control_system() AS system
INNER JOIN pg_roles AS role ON role.rolname = current_user;
