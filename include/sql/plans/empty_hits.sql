-- Forget what an earlier planning in the same transaction collected.
DELETE FROM pg_temp.hits;
