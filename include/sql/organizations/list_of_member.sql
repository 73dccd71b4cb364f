-- The organizations that a user of Airflow is bound to. One who is bound sees only their rows, in
-- whatever letters the name was written: who is not found here sees everything.
--   user_name  text
-- Returns organization_id bigint.
SELECT organization_id
FROM organization_members
WHERE lower(user_name) = lower(%(user_name)s);
