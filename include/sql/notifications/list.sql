-- A page of what the dashboard shows a person, newest first.
--   organization_id  bigint
--   recipients       text[]   the names that the person goes by: user name, address, role
--   types            text[]   only these; NULL for all
--   is_unread        boolean  only what is unread
--   with_quiet       boolean  also the types of which they asked to be left alone
--   before           bigint   the last id of the page before; NULL to begin
--   size             integer
-- Returns id, recipient, type, title, body, external_id (of the document, or NULL), document_id,
-- plan_id, created_at and read_at.
SELECT
    notification.id,
    notification.recipient,
    notification.type,
    notification.title,
    notification.body,
    document.external_id,
    notification.document_id,
    notification.plan_id,
    notification.created_at,
    notification.read_at
FROM notifications AS notification
LEFT JOIN documents AS document ON notification.document_id = document.id
WHERE
    notification.organization_id = %(organization_id)s
    AND notification.recipient = ANY(%(recipients)s::text [])
    AND (%(types)s::text [] IS NULL OR notification.type = ANY(%(types)s))
    AND (NOT %(is_unread)s::boolean OR notification.read_at IS NULL)
    AND (%(before)s::bigint IS NULL OR notification.id < %(before)s)
    AND (
        %(with_quiet)s::boolean
        OR notification.type <> ALL(
            SELECT quiet FROM quiet_types(%(organization_id)s, %(recipients)s::text []) AS quiet
        )
    )
ORDER BY notification.id DESC
LIMIT %(size)s;
