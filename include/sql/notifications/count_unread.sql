-- How much a person has not read, by type, without the types of which they asked to be left alone.
--   organization_id  bigint
--   recipients       text[]   the names that the person goes by
--   most             integer  counting ends there: nobody reads a thousand
-- Returns type and unread.
SELECT
    unread.type,
    count(*) AS unread
FROM (
    SELECT notification.type
    FROM notifications AS notification
    WHERE
        notification.organization_id = %(organization_id)s
        AND notification.recipient = ANY(%(recipients)s::text [])
        AND notification.read_at IS NULL
        AND notification.type <> ALL(
            SELECT quiet FROM quiet_types(%(organization_id)s, %(recipients)s::text []) AS quiet
        )
    ORDER BY notification.id DESC
    LIMIT %(most)s
) AS unread
GROUP BY unread.type
ORDER BY unread.type;
