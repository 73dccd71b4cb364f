-- A half written bag was removed: its items wait for another bag.
--   bag_id  bigint
WITH freed AS (
    UPDATE plan_items
    SET bag_id = NULL
    WHERE bag_id = %(bag_id)s AND state = 'planned'
)

UPDATE archive_bags
SET state = 'removed', payload_count = 0, payload_bytes = 0
WHERE id = %(bag_id)s;
