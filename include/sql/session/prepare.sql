-- What every session relies on: the schema, a lock limit, and dates as ISO in UTC.
--   lock_timeout      text  such as 30s
--   application_name  text  what pg_stat_activity calls the session
SELECT
    set_config('search_path', 'doclife, pg_temp', false),
    set_config('lock_timeout', %(lock_timeout)s, false),
    set_config('application_name', %(application_name)s, false),
    set_config('timezone', 'UTC', false),
    set_config('datestyle', 'ISO, YMD', false);
