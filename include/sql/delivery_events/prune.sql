-- Forget what mail services told long ago.
--   before  timestamptz
DELETE FROM delivery_events
WHERE received_at < %(before)s;
