-- The plan that this run already stored for this rule or selection.
--   dag_id, run_id    text
--   organization_id   bigint
--   rule_version_id   bigint  or NULL
--   selection_key     text    or NULL
-- Returns its id, or no row.
SELECT id
FROM plans
WHERE
    dag_id = %(dag_id)s
    AND run_id = %(run_id)s
    AND organization_id = %(organization_id)s
    AND rule_version_id IS NOT DISTINCT FROM %(rule_version_id)s
    AND selection_key IS NOT DISTINCT FROM %(selection_key)s;
