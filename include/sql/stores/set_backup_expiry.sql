-- Say how long backups of a store keep what was removed from it.
--   name  text
--   days  integer  NULL: nobody knows
-- Returns the store's id; no row when there is none of that name.
UPDATE stores
SET backup_expires_after_days = %(days)s
WHERE name = %(name)s
RETURNING id;
