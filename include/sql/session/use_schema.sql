-- Find doclife's tables in this transaction: a pooler may give the next one to another session.
SELECT set_config('search_path', 'doclife, pg_temp', true);
