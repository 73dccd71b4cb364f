-- What became of a plan's items: one row per action, state and reason code.
--   plan_id  bigint
-- Returns action, state, reason_code (NULL where nothing spoke against it), documents, bytes.
SELECT
    action,
    state,
    reason_code,
    count(*) AS documents,
    coalesce(sum(size_bytes), 0)::bigint AS size_bytes
FROM plan_items
WHERE plan_id = %(plan_id)s
GROUP BY action, state, reason_code
ORDER BY action, state, reason_code;
