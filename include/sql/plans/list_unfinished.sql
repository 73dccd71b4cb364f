-- The plans of a kind that earlier runs have begun and not ended.
--   organization_id  bigint
--   kind             text  purge or originals
--   dag_id, run_id   text  the run that plans now; its own plans stay
SELECT id
FROM plans
WHERE
    organization_id = %(organization_id)s
    AND kind = %(kind)s
    AND state = 'applying'
    AND (dag_id, run_id) <> (%(dag_id)s, %(run_id)s);
