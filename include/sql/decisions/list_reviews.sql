-- Every question that was put about a plan, oldest first.
--   plan_id  bigint
SELECT
    plan_id,
    stage,
    attempt,
    dag_id,
    run_id,
    asked_at,
    answer_due_at,
    answer,
    form,
    answered_by,
    answered_at,
    ended_at,
    outcome
FROM plan_reviews
WHERE plan_id = %(plan_id)s
ORDER BY stage, attempt;
