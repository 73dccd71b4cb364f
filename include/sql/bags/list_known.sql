-- Which of some folders are bags of the catalogue, those left out that it has forgotten or emptied.
--   uris  text[]
-- Returns uri, is_unfinished (it was half written when this database took another one's place).
SELECT
    bag.uri,
    bag.state = 'writing'
    AND deployment.adopted_by <> 'migration'
    AND bag.created_at < deployment.adopted_at AS is_unfinished
FROM archive_bags AS bag
CROSS JOIN deployment
WHERE bag.uri = ANY(%(uris)s) AND bag.state <> 'removed';
