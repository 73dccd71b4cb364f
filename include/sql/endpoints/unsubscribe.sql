-- Forget which events an endpoint wants.
--   endpoint_id  bigint
DELETE FROM webhook_subscriptions
WHERE endpoint_id = %(endpoint_id)s;
