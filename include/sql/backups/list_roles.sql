-- The roles that own something in this database or were granted something in it: a dump names them, and
-- brings none of them.
-- Returns name.
SELECT DISTINCT role.rolname::text AS name
FROM pg_shdepend AS dependency
INNER JOIN pg_roles AS role ON dependency.refobjid = role.oid
INNER JOIN pg_database AS database ON dependency.dbid = database.oid
WHERE
    database.datname = current_database()
    AND dependency.refclassid = 'pg_authid'::regclass
ORDER BY name;
