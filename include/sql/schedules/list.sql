-- Scheduled jobs, by name.
--   organization  text    NULL for all
--   name          text    NULL for all
--   schedule_id   bigint  NULL for all
--   after         text    only names after this one, for the next page of one organization; NULL to begin
--   size          bigint  NULL for all
SELECT
    schedule.id AS schedule_id,
    organization.slug AS organization,
    schedule.organization_id,
    schedule.rule_id,
    schedule.name,
    schedule.cron,
    schedule.time_zone,
    schedule.kind,
    schedule.payload,
    schedule.missed_runs,
    schedule.is_active,
    schedule.last_run_at,
    schedule.next_run_at,
    schedule.last_state
FROM scheduled_jobs AS schedule
INNER JOIN organizations AS organization ON schedule.organization_id = organization.id
WHERE
    (%(organization)s::text IS NULL OR organization.slug = %(organization)s)
    AND (%(name)s::text IS NULL OR schedule.name = %(name)s)
    AND (%(schedule_id)s::bigint IS NULL OR schedule.id = %(schedule_id)s)
    AND (%(after)s::text IS NULL OR schedule.name > %(after)s)
ORDER BY organization.slug, schedule.name
LIMIT %(size)s;
