-- Channels that work are not stopped.
--   kinds  text[]
DELETE FROM channel_stops
WHERE kind = ANY(%(kinds)s);
