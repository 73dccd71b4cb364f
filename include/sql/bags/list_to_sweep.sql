-- The bags that nobody can still be at work on: half written or half rewritten, and untouched for
-- an hour.
--   now  timestamptz
SELECT
    id AS bag_id,
    uri,
    state
FROM archive_bags
WHERE state IN ('writing', 'rewriting') AND created_at < %(now)s - interval '1 hour'
ORDER BY id;
