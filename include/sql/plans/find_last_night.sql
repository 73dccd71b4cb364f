-- The decision moment of the last plan that was stored for a rule, this run's own left out.
--   rule_id         bigint
--   dag_id, run_id  text    this run
--   dag_ids         text[]  whose plans count; NULL for everybody's
--   mode            text    a simulation does not count as a night of an enforced rule
SELECT max(plan.as_of)
FROM plans AS plan
INNER JOIN rule_versions AS version ON plan.rule_version_id = version.id
WHERE
    version.rule_id = %(rule_id)s
    AND (%(dag_ids)s::text [] IS NULL OR plan.dag_id = ANY(%(dag_ids)s))
    AND (plan.dag_id, plan.run_id) <> (%(dag_id)s, %(run_id)s)
    AND plan.mode = %(mode)s;
