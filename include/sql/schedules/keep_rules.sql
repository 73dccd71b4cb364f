-- Let an organization have a schedule for each of these rules and for no other rule. One whose cron and
-- zone stay as they are keeps its times.
--   organization_id    bigint
--   rule_ids           bigint[]       the rules that have a cron of their own
--   names, crons       text[]
--   time_zones         text[]
--   next_run_ats       timestamptz[]
--   created_by         text
WITH gone AS (
    DELETE FROM scheduled_jobs
    WHERE
        organization_id = %(organization_id)s
        AND rule_id IS NOT NULL
        AND rule_id <> ALL(%(rule_ids)s::bigint [])
)

INSERT INTO scheduled_jobs AS schedule (
    organization_id, rule_id, name, cron, time_zone, kind, next_run_at, created_by
)
SELECT
    %(organization_id)s,
    rule.id,
    'rule:' || rule.name,
    rule.cron,
    rule.time_zone,
    'rule',
    rule.next_run_at,
    %(created_by)s
FROM unnest(
    %(rule_ids)s::bigint [],
    %(names)s::text [],
    %(crons)s::text [],
    %(time_zones)s::text [],
    %(next_run_ats)s::timestamptz []
) AS rule (id, name, cron, time_zone, next_run_at)
ON CONFLICT (rule_id) DO UPDATE
    SET
        cron = excluded.cron,
        time_zone = excluded.time_zone,
        next_run_at = excluded.next_run_at
    WHERE (schedule.cron, schedule.time_zone) <> (excluded.cron, excluded.time_zone);
