-- The organizations that a user of Airflow is bound to. One who is bound sees only their rows.
--   user_name  text
-- Returns organization_id bigint.
SELECT organization_id
FROM organization_members
WHERE user_name = %(user_name)s;
