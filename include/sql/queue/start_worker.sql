-- Enter a process that will claim jobs, and return its id.
--   name           text     host and process, for people
--   lease_seconds  integer  how long it is believed to live without a beat
INSERT INTO job_workers (name, leased_until)
VALUES (%(name)s, now() + make_interval(secs => %(lease_seconds)s))
RETURNING id;
