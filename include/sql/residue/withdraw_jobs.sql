-- Take back messages to people about purged documents that have not begun to be sent: nobody needs to be
-- warned of what has happened. Calls and digests go on; those say something about others, too.
-- Returns how many were taken back; they are named no more.
WITH withdrawn AS (
    DELETE FROM jobs AS job
    USING pg_temp.named AS named
    WHERE
        job.id = named.job_id
        AND named.place = 'jobs'
        AND named.kind <> 'webhook'
        AND NOT named.is_digest
        AND job.id NOT IN (SELECT unnest(batch.job_ids) FROM job_batches AS batch)
    RETURNING job.id
),

done AS (
    DELETE FROM pg_temp.named AS named
    USING withdrawn
    WHERE named.job_id = withdrawn.id AND named.place = 'jobs'
    RETURNING named.job_id
)

SELECT count(DISTINCT job_id) AS withdrawn
FROM done;
