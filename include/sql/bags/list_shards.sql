-- The shards whose items go into a bag: whoever writes it has claimed one of them.
--   bag_id  bigint
SELECT DISTINCT
    item.plan_id,
    item.action_index,
    item.shard,
    item.action
FROM archive_bags AS bag
INNER JOIN plan_items AS item ON bag.plan_id = item.plan_id AND bag.id = item.bag_id
WHERE bag.id = %(bag_id)s;
