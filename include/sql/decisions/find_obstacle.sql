-- Why somebody may not approve a plan in a stage; NULL when they may.
--   plan_id   bigint
--   stage     integer
--   approver  text     the actor
SELECT approval_obstacle(%(plan_id)s, %(stage)s, %(approver)s);
