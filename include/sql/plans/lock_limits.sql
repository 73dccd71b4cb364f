-- Let one planner at a time count against the limits until its transaction ends: the deployment's
-- limit is shared by organizations that are planned side by side.
SELECT pg_advisory_xact_lock(hashtextextended('doclife limits', 0));
