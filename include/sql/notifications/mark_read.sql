-- Note that a person has read what the dashboard showed them; what is another's stays as it is.
--   organization_id  bigint
--   recipients       text[]       the names that the person goes by
--   ids              bigint[]     only these; NULL for all
--   until            bigint       what came after this id was not on the page; NULL for no limit
--   now              timestamptz
-- Returns the id of each that was unread.
UPDATE notifications SET read_at = %(now)s
WHERE
    organization_id = %(organization_id)s
    AND recipient = ANY(%(recipients)s::text [])
    AND read_at IS NULL
    AND (%(ids)s::bigint [] IS NULL OR id = ANY(%(ids)s))
    AND (%(until)s::bigint IS NULL OR id <= %(until)s)
RETURNING id;
