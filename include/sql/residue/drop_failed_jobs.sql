-- Forget messages that were given up and name purged documents: nobody sends them again.
DELETE FROM jobs_failed AS failed
USING pg_temp.named AS named
WHERE failed.id = named.job_id AND named.place = 'failed';
