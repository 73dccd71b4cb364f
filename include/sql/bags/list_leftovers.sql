-- The bags that a killed run left half written for a shard; nobody else can be writing them,
-- because this session has claimed the shard.
--   plan_id, action_index, shard
SELECT DISTINCT
    bag.id AS bag_id,
    bag.uri,
    -- Of before this database took another one's place.
    deployment.adopted_by <> 'migration' AND bag.created_at < deployment.adopted_at AS is_inherited
FROM archive_bags AS bag
INNER JOIN plan_items AS item ON bag.id = item.bag_id
CROSS JOIN deployment
WHERE
    item.plan_id = %(plan_id)s
    AND item.action_index = %(action_index)s
    AND item.shard = %(shard)s
    AND bag.state = 'writing';
