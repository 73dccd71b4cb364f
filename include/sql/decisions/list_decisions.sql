-- What was decided about a plan as a whole, oldest first; answers that did not count included.
--   plan_id  bigint
SELECT
    stage,
    decision,
    extend_until,
    decided_by,
    decided_at,
    comment,
    is_valid,
    invalid_reason
FROM plan_decisions
WHERE plan_id = %(plan_id)s AND document_id IS NULL
ORDER BY id;
