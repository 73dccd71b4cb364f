-- Make everything that this transaction creates in a schema of an application.
--   schema  text
-- Returns its name as SQL writes it, and no row when there is no such schema.
SELECT set_config('search_path', quote_ident(nspname), true)
FROM pg_namespace
WHERE nspname = %(schema)s;
