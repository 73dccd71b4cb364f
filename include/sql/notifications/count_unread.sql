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
            SELECT unnest(preference.quiet_types)
            FROM recipient_preferences AS preference
            WHERE
                preference.organization_id = %(organization_id)s
                AND preference.channel = 'notification'
                AND lower(preference.recipient) IN (
                    SELECT lower(given.name) FROM unnest(%(recipients)s::text []) AS given (name)
                )
        )
    ORDER BY notification.id DESC
    LIMIT %(most)s
) AS unread
GROUP BY unread.type
ORDER BY unread.type;
