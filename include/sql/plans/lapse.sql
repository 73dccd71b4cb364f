-- Close the plans of an organization that are too old to be believed.
--   organization_id  bigint
--   now              timestamptz
--   max_age_days     integer
-- Returns the ids of the plans that lapsed.
UPDATE plans
SET state = 'lapsed'
WHERE
    organization_id = %(organization_id)s
    AND mode = 'enforce'
    AND state IN ('planned', 'needs_approval', 'approved')
    AND created_at < %(now)s - make_interval(days => %(max_age_days)s)
RETURNING id;
