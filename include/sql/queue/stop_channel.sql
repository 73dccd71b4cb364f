-- Let the jobs of a channel wait, because its credentials were refused.
--   kind     text
--   reason   text
--   seconds  integer  how long, before it is tried again; longer each time, up to an hour
-- Returns whether this is news: it was not stopped before.
INSERT INTO channel_stops AS known (kind, reason, stopped_until)
VALUES (%(kind)s, %(reason)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (kind) DO UPDATE
    SET
        reason = excluded.reason,
        stopped_until = now() + least(
            interval '1 hour',
            greatest(make_interval(secs => %(seconds)s), now() - known.stopped_at)
        )
RETURNING xmax = 0 AS is_news;
