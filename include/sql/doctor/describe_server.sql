-- What the database server is, and as whom we are there. Needs no migration.
-- Returns one row: version (as 180000), is_standby, has_autovacuum, login, is_superuser.
SELECT
    current_setting('server_version_num')::integer AS version,
    pg_is_in_recovery() AS is_standby,
    current_setting('autovacuum')::boolean AS has_autovacuum,
    session_user::text AS login,
    coalesce((SELECT role.rolsuper FROM pg_roles AS role WHERE role.rolname = session_user), FALSE)
        AS is_superuser;
