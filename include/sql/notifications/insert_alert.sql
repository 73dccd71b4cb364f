-- Tell the operators of the deployment something.
--   organization_id  bigint       the default one: an alert is about the deployment, not a tenant
--   recipient        text         role:operator
--   title, body      text
--   now              timestamptz
--   is_repeated      boolean      false: not while the same is there and unread
INSERT INTO notifications (organization_id, recipient, type, title, body, created_at)
SELECT
    %(organization_id)s,
    %(recipient)s,
    'alert',
    %(title)s,
    %(body)s,
    %(now)s
WHERE
    %(is_repeated)s
    OR NOT EXISTS (
        SELECT FROM notifications AS known
        WHERE
            known.organization_id = %(organization_id)s
            AND known.recipient = %(recipient)s
            AND known.read_at IS NULL
            AND known.title = %(title)s
            AND known.body = %(body)s
    );
