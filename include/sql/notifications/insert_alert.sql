-- Tell the operators of the deployment something.
--   organization_id  bigint       the default one: an alert is about the deployment, not a tenant
--   recipient        text         role:operator
--   title, body      text
--   now              timestamptz
INSERT INTO notifications (organization_id, recipient, type, title, body, created_at)
VALUES (%(organization_id)s, %(recipient)s, 'alert', %(title)s, %(body)s, %(now)s);
