-- The numbers of the overview; none is counted further than somebody reads.
--   organization_id  bigint
--   today            date         in the organization's zone
--   failed_since     timestamptz  jobs given up before are not counted
--   most             integer      counting documents, jobs and plans ends there
-- Returns one row of counts.
WITH modes AS (
    SELECT
        count(*) FILTER (WHERE version.mode = 'enforce') AS enforcing,
        count(*) FILTER (WHERE version.mode = 'simulate') AS simulating,
        count(*) FILTER (WHERE version.mode = 'off') AS switched_off
    FROM rules AS rule
    INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
    WHERE rule.organization_id = %(organization_id)s AND rule.removed_at IS NULL
),

channels AS (
    SELECT
        count(*) FILTER (WHERE channel.is_active) AS slack_active,
        count(*) FILTER (WHERE NOT channel.is_active) AS slack_paused
    FROM slack_channels AS channel
    WHERE channel.organization_id = %(organization_id)s
)

SELECT
    modes.enforcing,
    modes.simulating,
    modes.switched_off,
    channels.slack_active,
    channels.slack_paused,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM jobs
            WHERE organization_id = %(organization_id)s
            ORDER BY id
            LIMIT %(most)s
        ) AS pending
    ) AS jobs_pending,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM jobs_failed
            WHERE
                organization_id = %(organization_id)s
                AND state = 'failed'
                AND finished_at >= %(failed_since)s
            ORDER BY id DESC
            LIMIT %(most)s
        ) AS given_up
    ) AS jobs_failed,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM plans
            WHERE organization_id = %(organization_id)s AND state = 'needs_approval'
            ORDER BY created_at
            LIMIT %(most)s
        ) AS waiting
    ) AS plans_waiting,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM documents
            WHERE
                organization_id = %(organization_id)s
                AND expires_on BETWEEN %(today)s AND %(today)s::date + 30
                AND status IN ('active', 'archived')
            ORDER BY expires_on
            LIMIT %(most)s
        ) AS expiring
    ) AS documents_expiring
FROM modes
CROSS JOIN channels;
