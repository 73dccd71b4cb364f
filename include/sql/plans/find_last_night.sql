-- The decision moment of the last plan that a DAG stored for a rule, this run's own left out.
--   rule_id         bigint
--   dag_id, run_id  text
--   mode            text    a simulation does not count as a night of an enforced rule
SELECT max(plan.as_of)
FROM plans AS plan
INNER JOIN rule_versions AS version ON plan.rule_version_id = version.id
WHERE
    version.rule_id = %(rule_id)s
    AND plan.dag_id = %(dag_id)s
    AND plan.run_id <> %(run_id)s
    AND plan.mode = %(mode)s;
