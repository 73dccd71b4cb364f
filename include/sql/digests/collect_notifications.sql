-- Collect the unread notifications that wait for the digest. Those of recipients whom no mail
-- reaches (a user name, a channel) are in the overview, and so are the records contact's own.
--   organization_id  bigint
--   since            timestamptz  the last digest; what was in that is left out
--   as_of            timestamptz  what came later is in the next one
--   contact          text         address of the records contact in small letters, or NULL
--   daily            text         what the type of such a notification begins with
--   size             integer      rows that a reader is shown
INSERT INTO pg_temp.digest_rows (recipient, section, place, total, title, document_id)
SELECT
    ranked.recipient,
    'notifications',
    ranked.place,
    ranked.total,
    ranked.title,
    ranked.document_id
FROM (
    SELECT
        addressed.recipient,
        addressed.title,
        addressed.document_id,
        row_number() OVER (PARTITION BY addressed.recipient ORDER BY addressed.id) AS place,
        count(*) OVER (PARTITION BY addressed.recipient) AS total
    FROM (
        SELECT
            notification.id,
            notification.title,
            notification.document_id,
            CASE
                WHEN
                    notification.recipient ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$'
                    AND lower(notification.recipient) <> coalesce(%(contact)s::text, '')
                    THEN lower(notification.recipient)
                ELSE ''
            END AS recipient
        FROM notifications AS notification
        LEFT JOIN recipient_preferences AS preference
            ON
                notification.organization_id = preference.organization_id
                AND lower(notification.recipient) = lower(preference.recipient)
                AND preference.channel = 'email'
        WHERE
            notification.organization_id = %(organization_id)s
            AND starts_with(notification.type, %(daily)s)
            AND notification.read_at IS NULL
            AND notification.created_at > %(since)s
            AND notification.created_at <= %(as_of)s
            AND NOT coalesce(
                substr(notification.type, length(%(daily)s) + 1) = ANY(preference.quiet_types),
                FALSE
            )
    ) AS addressed
) AS ranked
WHERE ranked.place <= %(size)s;
