-- Let calls that wait have their turn now. Those that are being sent at this moment are left alone.
--   organization_id  bigint
--   job_ids          bigint[]     NULL for all that the rest describes
--   endpoint         text         name, or NULL for all
--   since, until     timestamptz  stored within, or NULL
-- Returns their ids.
UPDATE jobs AS job
SET run_at = now()
FROM webhook_endpoints AS endpoint
WHERE
    job.endpoint_id = endpoint.id
    AND job.kind = 'webhook'
    AND job.organization_id = %(organization_id)s
    AND (%(job_ids)s::bigint [] IS NULL OR job.id = ANY(%(job_ids)s))
    AND (%(endpoint)s::text IS NULL OR endpoint.name = %(endpoint)s)
    AND (%(since)s::timestamptz IS NULL OR job.created_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR job.created_at < %(until)s)
    AND job.run_at > now()
    AND job.id NOT IN (SELECT unnest(batch.job_ids) FROM job_batches AS batch)
RETURNING job.id;
