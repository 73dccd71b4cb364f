-- For whose sake vacuum keeps what is dead, or the server keeps WAL. Sessions of others say when they began
-- only to who may read all statistics (pg_read_all_stats); the rest is seen by everybody.
-- Returns kind, name, detail, since, kept_bytes.
SELECT
    'session' AS kind,
    session.pid::text AS name,
    concat_ws(', ', session.usename, nullif(session.application_name, ''), session.state) AS detail,
    session.xact_start AS since,
    NULL::bigint AS kept_bytes
FROM pg_stat_activity AS session
WHERE
    session.datname = current_database()
    AND session.xact_start IS NOT NULL
    AND session.pid <> pg_backend_pid()
    AND session.backend_type = 'client backend'
UNION ALL
SELECT
    'prepared transaction' AS kind,
    prepared.gid AS name,
    'of ' || prepared.owner AS detail,
    prepared.prepared AS since,
    NULL::bigint AS kept_bytes
FROM pg_prepared_xacts AS prepared
WHERE prepared.database = current_database()
UNION ALL
SELECT
    'replication slot' AS kind,
    slot.slot_name::text AS name,
    'without a reader' AS detail,
    NULL::timestamptz AS since,
    CASE
        WHEN NOT pg_is_in_recovery()
            THEN pg_wal_lsn_diff(pg_current_wal_lsn(), slot.restart_lsn)::bigint
    END AS kept_bytes
FROM pg_replication_slots AS slot
WHERE NOT slot.active
ORDER BY kind, name;
