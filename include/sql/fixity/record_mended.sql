-- Write down that bytes are as recorded again.
--   now         timestamptz
--   object_ids  bigint[]
-- Returns object_id of those that were damaged.
UPDATE fixity_damages
SET mended_at = %(now)s, seen_at = %(now)s
WHERE object_id = ANY(%(object_ids)s::bigint []) AND mended_at IS NULL
RETURNING object_id;
