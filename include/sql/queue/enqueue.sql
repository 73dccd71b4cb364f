-- Store jobs of one kind, all or none, and return their ids in the order given.
--   organization_id  bigint
--   kind             text
--   payloads         text[]       JSON objects, checked for their kind; binary: as text it costs as
--                                 much as all the rest
--   run_at           timestamptz  NULL for now
--   priority         integer      lower first
--   unique_keys      text[]       one for each payload, NULL where there is none,
--                                 or NULL for none at all
--   max_attempts     integer      NULL for the kind's own
--   timeout_seconds  integer      NULL for the kind's own
--   requested_by     text         the actor
SELECT
    store_jobs(
        %(organization_id)s,
        %(kind)s,
        %(payloads)b,
        coalesce(%(run_at)s::timestamptz, now()),
        %(priority)s,
        %(unique_keys)s,
        %(max_attempts)s,
        %(timeout_seconds)s,
        %(requested_by)s
    ) AS job_ids;
