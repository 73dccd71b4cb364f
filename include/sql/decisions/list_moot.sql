-- Questions that nobody needs to answer any more: their plan waits for no person.
-- Returns plan_id, stage, attempt, dag_id and run_id.
SELECT
    review.plan_id,
    review.stage,
    review.attempt,
    review.dag_id,
    review.run_id
FROM plan_reviews AS review
INNER JOIN plans AS plan ON review.plan_id = plan.id
WHERE review.ended_at IS NULL AND plan.state <> 'needs_approval'
ORDER BY review.plan_id, review.stage, review.attempt;
