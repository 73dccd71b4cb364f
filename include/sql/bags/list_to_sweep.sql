-- The bags that nobody can still be at work on: half written or half rewritten, and untouched for
-- an hour.
--   now  timestamptz
SELECT
    bag.id AS bag_id,
    bag.uri,
    bag.state,
    -- Of before this database took another one's place.
    deployment.adopted_by <> 'migration' AND bag.created_at < deployment.adopted_at AS is_inherited
FROM archive_bags AS bag
CROSS JOIN deployment
WHERE bag.state IN ('writing', 'rewriting') AND bag.created_at < %(now)s - interval '1 hour'
ORDER BY bag.id;
