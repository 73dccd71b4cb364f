-- How mail and Slack messages of one organization have fared of late. The day of the last success is
-- found by index, and only that day of the history is read.
--   organization_id  bigint
-- Returns one row each: kind, last_success_at, last_failure_at, last_error (of that failure);
-- stop_reason and stopped_until (NULL when the channel is not stopped).
SELECT
    channel.kind,
    success.finished_at AS last_success_at,
    failure.finished_at AS last_failure_at,
    failure.last_error,
    stop.reason AS stop_reason,
    stop.stopped_until
FROM (VALUES ('email'), ('slack')) AS channel (kind)
LEFT JOIN LATERAL (
    SELECT max(tally.day) AS day
    FROM job_counts AS tally
    WHERE tally.organization_id = %(organization_id)s AND tally.kind = channel.kind
) AS latest ON TRUE
LEFT JOIN LATERAL (
    SELECT done.finished_at
    FROM job_history AS done
    WHERE
        done.finished_at >= latest.day - interval '1 day'
        AND done.organization_id = %(organization_id)s
        AND done.kind = channel.kind
    ORDER BY done.finished_at DESC
    LIMIT 1
) AS success ON TRUE
LEFT JOIN LATERAL (
    SELECT
        given_up.finished_at,
        given_up.last_error
    FROM jobs_failed AS given_up
    WHERE
        given_up.organization_id = %(organization_id)s
        AND given_up.kind = channel.kind
        AND given_up.state = 'failed'
    ORDER BY given_up.finished_at DESC
    LIMIT 1
) AS failure ON TRUE
LEFT JOIN channel_stops AS stop ON channel.kind = stop.kind AND stop.stopped_until > now()
ORDER BY channel.kind;
