-- Databases that a drill made and could not remove, because it was killed: nobody is connected to them, and
-- they were not to be kept.
-- Returns name.
SELECT database.datname::text AS name
FROM pg_database AS database
WHERE
    starts_with(database.datname, 'doclife_drill_')
    AND pg_has_role(database.datdba, 'USAGE')
    AND shobj_description(database.oid, 'pg_database') IS DISTINCT FROM 'kept by a drill of doclife'
    AND NOT EXISTS (
        SELECT FROM pg_stat_activity AS session WHERE session.datname = database.datname
    )
ORDER BY database.datname;
