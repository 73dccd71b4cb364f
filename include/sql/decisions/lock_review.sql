-- One question with its answer; nobody else decides upon it until the transaction ends.
--   plan_id         bigint
--   stage, attempt  integer
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
WHERE plan_id = %(plan_id)s AND stage = %(stage)s AND attempt = %(attempt)s
FOR UPDATE;
