-- Write down that destruction of these bytes begins, before the first of them is touched; their bags
-- count as being rewritten from here on.
--   object_ids  bigint[]
--   now         timestamptz
WITH condemned AS (
    UPDATE stored_objects
    SET removing_since = coalesce(removing_since, %(now)s)
    WHERE id = ANY(%(object_ids)s::bigint [])
    RETURNING bag_id
)

UPDATE archive_bags
SET state = 'rewriting'
FROM condemned
WHERE archive_bags.id = condemned.bag_id AND archive_bags.state = 'sealed';
