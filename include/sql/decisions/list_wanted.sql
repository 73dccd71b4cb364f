-- The plans that wait for a person, with the question that is to be put next.
--   plan_id  bigint  only this plan; NULL for all
-- Returns plan_id, stage (the first without an approval) and attempt (how often an answer of that
-- stage did not count).
SELECT
    plan.id AS plan_id,
    waiting.stage,
    (
        SELECT count(*) FROM plan_reviews AS review
        WHERE
            review.plan_id = plan.id
            AND review.stage = waiting.stage
            AND review.outcome = 'invalid'
    ) AS attempt
FROM plans AS plan
CROSS JOIN LATERAL (
    SELECT min(stage) AS stage
    FROM generate_series(1, greatest(plan.required_stages, 1)) AS stage
    WHERE
        NOT EXISTS (
            SELECT
            FROM plan_decisions AS decision
            WHERE
                decision.plan_id = plan.id
                AND decision.document_id IS NULL
                AND decision.decision = 'approve'
                AND decision.is_valid
                AND decision.stage = stage.stage
        )
) AS waiting
WHERE
    plan.state = 'needs_approval'
    AND plan.mode = 'enforce'
    AND waiting.stage IS NOT NULL
    AND (%(plan_id)s::bigint IS NULL OR plan.id = %(plan_id)s)
ORDER BY plan.id;
