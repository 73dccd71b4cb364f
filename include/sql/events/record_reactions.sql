-- Remember which version of a rule has reacted to which events, and with which plan.
--   event_ids        bigint[]
--   rule_version_id  bigint
--   plan_id          bigint
--   now              timestamptz
INSERT INTO event_reactions (event_id, rule_version_id, plan_id, reacted_at)
SELECT
    given.event_id,
    %(rule_version_id)s,
    %(plan_id)s,
    %(now)s
FROM unnest(%(event_ids)s::bigint []) AS given (event_id)
ON CONFLICT (event_id, rule_version_id) DO NOTHING;
