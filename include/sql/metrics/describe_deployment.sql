-- What is not well in the deployment as a whole.
--   now  timestamptz
-- Returns one row: is_halted, damaged (stored objects whose bytes are not the recorded ones),
-- stopped (kinds of the channels whose credentials were refused).
SELECT
    halt_reason() IS NOT NULL AS is_halted,
    (SELECT count(*) FROM fixity_damages WHERE mended_at IS NULL) AS damaged,
    ARRAY(
        SELECT stop.kind FROM channel_stops AS stop WHERE stop.stopped_until > %(now)s
    ) AS stopped;
