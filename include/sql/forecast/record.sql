-- Note that a rule version was forecast.
--   organization_id  bigint
--   rule_version_id  bigint
--   unknown_count    bigint       documents it could not judge
--   next_day         date         for a rule that selects by the day it is asked, else NULL
--   next_count       bigint       what it will select then
--   now              timestamptz
INSERT INTO forecasts (
    rule_version_id, organization_id, unknown_count, next_day, next_count, rebuilt_at
)
VALUES (
    %(rule_version_id)s,
    %(organization_id)s,
    %(unknown_count)s,
    %(next_day)s,
    %(next_count)s,
    %(now)s
);
