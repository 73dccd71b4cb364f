-- Functions whose words meant what the search_path of the session said. Each has its own path now, so that
-- nobody who changes a row can slip another function or operator under a guard.
DO $$
BEGIN
    ALTER FUNCTION keep_updated_at() SET search_path = doclife, pg_temp;
    ALTER FUNCTION refuse_change() SET search_path = doclife, pg_temp;
    ALTER FUNCTION guard_references() SET search_path = doclife, pg_temp;
    ALTER FUNCTION guard_plan_facts() SET search_path = doclife, pg_temp;
    ALTER FUNCTION guard_new_document() SET search_path = doclife, pg_temp;
    ALTER FUNCTION guard_new_plan() SET search_path = doclife, pg_temp;
    ALTER FUNCTION guard_document_facts() SET search_path = doclife, pg_temp;
    ALTER FUNCTION guard_bytes_of_held_document() SET search_path = doclife, pg_temp;
    ALTER FUNCTION guard_stored_object() SET search_path = doclife, pg_temp;
    ALTER FUNCTION without_words(text, text []) SET search_path = doclife, pg_temp;
    ALTER FUNCTION require_approval_of_erasure() SET search_path = doclife, pg_temp;
END
$$;

-- This one runs for every document that changes. A path costs each call up to half a microsecond, and a word
-- that names its schema nothing.
CREATE OR REPLACE FUNCTION keep_document_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := pg_catalog.now();
    RETURN NEW;
END
$$;
