-- Let bytes live on whose removal was begun and did not happen.
--   object_ids  bigint[]
UPDATE stored_objects
SET removing_since = NULL
WHERE id = ANY(%(object_ids)s::bigint []) AND removed_at IS NULL;
