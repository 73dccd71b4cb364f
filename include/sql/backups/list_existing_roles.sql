-- Which roles of some there are.
--   names  text[]
-- Returns name.
SELECT role.rolname::text AS name
FROM pg_roles AS role
WHERE role.rolname = ANY(%(names)s::text []);
