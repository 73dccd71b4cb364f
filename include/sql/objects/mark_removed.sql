-- Write down that bytes are verified gone.
--   object_ids  bigint[]
--   now         timestamptz
UPDATE stored_objects
SET removed_at = %(now)s
WHERE id = ANY(%(object_ids)s::bigint []) AND removed_at IS NULL;
