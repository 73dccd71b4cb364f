-- Note that a person is asked; a run that is cleared asks the same question again.
--   plan_id         bigint
--   stage, attempt  integer
--   dag_id, run_id  text
--   now             timestamptz
--   answer_due_at   timestamptz
-- Returns the id of the run that asks: another than the given one when that asks already.
INSERT INTO plan_reviews AS review (
    plan_id, stage, attempt, dag_id, run_id, asked_at, answer_due_at
)
VALUES (
    %(plan_id)s, %(stage)s, %(attempt)s, %(dag_id)s, %(run_id)s, %(now)s, %(answer_due_at)s
)
ON CONFLICT (plan_id, stage, attempt) DO UPDATE
SET
    asked_at = CASE
        WHEN review.run_id = excluded.run_id THEN excluded.asked_at ELSE review.asked_at
    END,
    answer_due_at = CASE
        WHEN review.run_id = excluded.run_id THEN excluded.answer_due_at
        ELSE review.answer_due_at
    END
RETURNING run_id;
