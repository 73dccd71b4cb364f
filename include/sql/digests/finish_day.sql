-- Note that every reader in one zone has the digest of a day, and forget what is long past.
--   organization_id  bigint
--   time_zone        text
--   day              date
--   now              timestamptz
WITH forgotten AS (
    DELETE FROM digest_days
    WHERE
        organization_id = %(organization_id)s
        AND time_zone = %(time_zone)s
        AND day < %(day)s::date - 60
)

UPDATE digest_days SET finished_at = %(now)s
WHERE
    organization_id = %(organization_id)s
    AND time_zone = %(time_zone)s
    AND day = %(day)s;
