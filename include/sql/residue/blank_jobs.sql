-- Let waiting calls about purged documents tell which document it was, and no more; then they name it no
-- more. Those that are being sent stay named.
WITH blanked AS (
    UPDATE jobs AS job
    SET payload = without_document(job.payload::jsonb)::text
    FROM pg_temp.named AS named
    WHERE
        job.id = named.job_id
        AND named.place = 'jobs'
        AND named.kind = 'webhook'
        AND without_document(job.payload::jsonb) IS NOT NULL
        AND job.id NOT IN (SELECT unnest(batch.job_ids) FROM job_batches AS batch)
    RETURNING job.id
)

DELETE FROM pg_temp.named AS named
USING blanked
WHERE named.job_id = blanked.id AND named.place = 'jobs';
