-- Forget what was sent to endpoints about purged documents: it cannot be sent again.
UPDATE job_history AS done
SET payload = NULL
FROM pg_temp.named AS named
WHERE done.id = named.job_id AND named.place = 'history' AND done.payload IS NOT NULL;
