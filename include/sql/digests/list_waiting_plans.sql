-- The plans that wait for a person, oldest first.
--   organization_id  bigint
--   size             integer
-- Returns plan_id, rule (name@version or NULL), document_count, reason, total (all of them), stage (its
-- name, or NULL), waiting_since, answer_due_at (both NULL as long as nobody was asked) and remind (a
-- period, or NULL).
SELECT
    plan.id AS plan_id,
    rule.name || '@' || version.version AS rule,
    plan.document_count,
    plan.approval_reason AS reason,
    count(*) OVER () AS total,
    version.definition #>> ARRAY['review', 'stages', (review.stage - 1)::text] AS stage,
    review.asked_at AS waiting_since,
    review.answer_due_at,
    version.definition #>> ARRAY['review', 'remind'] AS remind
FROM plans AS plan
LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
LEFT JOIN rules AS rule ON version.rule_id = rule.id
LEFT JOIN plan_reviews AS review ON plan.id = review.plan_id AND review.ended_at IS NULL
WHERE plan.organization_id = %(organization_id)s AND plan.state = 'needs_approval'
ORDER BY plan.created_at, plan.id
LIMIT %(size)s;
