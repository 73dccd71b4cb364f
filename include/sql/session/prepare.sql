-- What every session relies on: the schema, a lock limit, and dates as ISO in UTC. The server looks
-- after a minute of silence whether the other side is still there: a machine that is lost closes
-- nothing, and for two hours nobody else could take up the shard that its session has locked.
--   lock_timeout      text  such as 30s
--   application_name  text  what pg_stat_activity calls the session
SELECT
    set_config('search_path', 'doclife, pg_temp', false),
    set_config('lock_timeout', %(lock_timeout)s, false),
    set_config('application_name', %(application_name)s, false),
    set_config('timezone', 'UTC', false),
    set_config('datestyle', 'ISO, YMD', false),
    -- Seconds, and milliseconds; without effect over a Unix socket.
    set_config('tcp_keepalives_idle', '30', false),
    set_config('tcp_keepalives_interval', '10', false),
    set_config('tcp_keepalives_count', '3', false),
    set_config('tcp_user_timeout', '60000', false);
