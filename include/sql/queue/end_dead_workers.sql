-- Take workers off the list whose batches were taken away.
--   worker_ids  bigint[]
--   beats       bigint[]  as they were counted when each was found dead
DELETE FROM job_workers AS worker
USING unnest(%(worker_ids)s::bigint [], %(beats)s::bigint []) AS seen (id, beats)
WHERE worker.id = seen.id AND worker.beats = seen.beats;
