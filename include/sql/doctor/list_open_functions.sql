-- Functions that run with their owner's rights, and whose search_path is not pinned or which everybody may
-- call.
-- Returns signature, has_path, is_public.
SELECT
    found.oid::regprocedure::text AS signature,
    coalesce(strpos(found.proconfig::text, 'search_path=') > 0, FALSE) AS has_path,
    has_function_privilege('public', found.oid, 'EXECUTE') AS is_public
FROM pg_proc AS found
WHERE
    found.pronamespace = (SELECT space.oid FROM pg_namespace AS space WHERE space.nspname = current_schema())
    AND found.prosecdef
    AND (
        coalesce(strpos(found.proconfig::text, 'search_path=') = 0, TRUE)
        OR has_function_privilege('public', found.oid, 'EXECUTE')
    )
ORDER BY signature;
