-- Begin one zone's digests of a day, or go on with them.
--   organization_id  bigint
--   time_zone        text
--   day              date         in that zone
--   as_of            timestamptz  what happened until then is in them
-- Returns as_of (that of the run which began), since (that of the day before, or NULL) and is_finished.
INSERT INTO digest_days AS morning (organization_id, time_zone, day, as_of)
VALUES (%(organization_id)s, %(time_zone)s, %(day)s, %(as_of)s)
ON CONFLICT (organization_id, time_zone, day) DO UPDATE SET as_of = morning.as_of
RETURNING
    morning.as_of,
    morning.finished_at IS NOT NULL AS is_finished,
    (
        SELECT max(earlier.as_of)
        FROM digest_days AS earlier
        WHERE
            earlier.organization_id = %(organization_id)s
            AND earlier.time_zone = %(time_zone)s
            AND earlier.day < %(day)s
    ) AS since;
