-- Close the unanswered and the forgotten plans of a rule before tonight's is made: they are
-- superseded, not stacked. Approved plans stay, also those approved in their first stages only:
-- somebody decided them.
--   rule_id  bigint
--   dag_id, run_id  text  the run that plans now; its own plans stay
-- Returns the ids of the plans that were closed.
UPDATE plans
SET state = 'superseded'
FROM rule_versions AS version
WHERE
    plans.rule_version_id = version.id
    AND version.rule_id = %(rule_id)s
    AND plans.state IN ('planned', 'needs_approval')
    AND plans.mode = 'enforce'
    AND (plans.dag_id, plans.run_id) <> (%(dag_id)s, %(run_id)s)
    AND NOT EXISTS (
        SELECT
        FROM plan_decisions AS decision
        WHERE
            decision.plan_id = plans.id
            AND decision.document_id IS NULL
            AND decision.decision = 'approve'
            AND decision.is_valid
    )
RETURNING plans.id;
