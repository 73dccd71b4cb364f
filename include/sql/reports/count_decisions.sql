-- What people decided about plans in some days.
--   organization_id  bigint
--   since            timestamptz  the first moment
--   until            timestamptz  the first moment that is not in it
-- Returns decision (approve, reject, extend or hold), decided_by, plans and documents: those that were
-- decided singly, 0 when whole plans were.
SELECT
    decision.decision,
    decision.decided_by,
    count(DISTINCT decision.plan_id) AS plans,
    count(decision.document_id) AS documents
FROM plan_decisions AS decision
INNER JOIN plans AS plan ON decision.plan_id = plan.id
WHERE
    plan.organization_id = %(organization_id)s
    AND decision.is_valid
    AND decision.decided_at >= %(since)s
    AND decision.decided_at < %(until)s
GROUP BY decision.decision, decision.decided_by
ORDER BY decision.decision, decision.decided_by;
