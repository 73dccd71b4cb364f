-- The workers that there are, how often each has said that it lives, and whether its lease has run
-- out by this clock. Whoever looks twice knows who is dead, whatever the clock did.
SELECT
    id AS worker_id,
    name,
    beats,
    leased_until < now() AS is_expired
FROM job_workers
ORDER BY id;
