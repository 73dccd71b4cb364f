-- Close an organization's unanswered and forgotten purge plans of one kind before the next is made:
-- what they claim would otherwise stay in its way until they are too old.
--   organization_id  bigint
--   kind             text  purge or originals
--   dag_id, run_id   text  the run that plans now; its own plans stay
-- Returns the ids of the plans that were closed.
UPDATE plans
SET state = 'superseded'
WHERE
    organization_id = %(organization_id)s
    AND kind = %(kind)s
    AND state IN ('planned', 'needs_approval')
    AND mode = 'enforce'
    AND (dag_id, run_id) <> (%(dag_id)s, %(run_id)s)
RETURNING id;
