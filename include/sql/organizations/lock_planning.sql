-- Let one planner at a time work for an organization until the transaction ends, so that what it
-- counts against the limits is what it stores.
--   organization_id  bigint
SELECT pg_advisory_xact_lock(hashtextextended('doclife planning', %(organization_id)s));
