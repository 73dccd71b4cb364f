-- When the last digest before this day's was made: each leaves a key that ends 30 days later.
-- Those of later days do not count: a run for a past day covers what that day's would have.
--   organization_id  bigint
--   keys             text     what the keys of the organization's digests begin with
--   day              text     the digest's day; keys end with theirs
-- Returns the moment, or NULL.
SELECT max(expires_at) - interval '30 days' AS made_at
FROM job_keys
WHERE
    organization_id = %(organization_id)s
    AND starts_with(unique_key, %(keys)s)
    AND right(unique_key, 10) < %(day)s;
