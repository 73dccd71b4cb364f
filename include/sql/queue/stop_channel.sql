-- Let the jobs of a channel wait, because its credentials were refused.
--   kind     text
--   reason   text
--   seconds  integer  how long, before it is tried again
-- Returns whether this is news: it was not stopped before.
INSERT INTO channel_stops AS known (kind, reason, stopped_until)
VALUES (%(kind)s, %(reason)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (kind) DO UPDATE
    SET reason = excluded.reason, stopped_until = excluded.stopped_until
RETURNING xmax = 0 AS is_news;
