-- The newest imports of an organization.
--   organization_id  bigint
--   size             integer
-- An import that has not ended and whose session is gone was killed: is_alive is false.
SELECT
    run.id AS run_id,
    run.source,
    run.requested_by,
    run.started_at,
    run.reading_at,
    run.file_count,
    run.total_bytes,
    run.done_count,
    run.done_bytes,
    run.new_count,
    run.changed_count,
    run.refused_count,
    run.finished_at,
    run.error,
    run.finished_at IS NULL AND EXISTS (
        SELECT
        FROM pg_locks AS lock
        WHERE
            lock.locktype = 'advisory'
            AND lock.database = (SELECT own.oid FROM pg_database AS own WHERE own.datname = current_database())
            AND lock.objsubid = 1
            AND lock.granted
            AND ((lock.classid::bigint << 32) | lock.objid::bigint)
            = hashtextextended('doclife import ' || run.id, 0)
    ) AS is_alive
FROM import_runs AS run
WHERE run.organization_id = %(organization_id)s
ORDER BY run.id DESC
LIMIT %(size)s;
