-- Say which items of a shard go into a bag.
--   plan_id, action_index
--   bag_id        bigint
--   document_ids  bigint[]
UPDATE plan_items
SET bag_id = %(bag_id)s
WHERE
    plan_id = %(plan_id)s
    AND action_index = %(action_index)s
    AND document_id = ANY(%(document_ids)s::bigint []);
