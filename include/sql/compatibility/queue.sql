-- Opt-in, by `doclife compatibility SCHEMA`: the names that existing applications know, in a schema
-- of the application's own. Several statements, because they are of use only together.
-- Run by who may create in the schema and is a member of doclife_owner. The views and functions read
-- the queue with the rights of whoever asks, who sees the jobs of their own organizations; what is
-- inserted goes through enqueue_job, which asks for its own grant. Running it again replaces everything.

CREATE OR REPLACE VIEW queue_jobs WITH (security_invoker = true) AS
SELECT
    job.id,
    job.kind AS type,
    CASE
        WHEN job.id IN (SELECT doclife.jobs_under_way()) THEN 'processing'
        ELSE 'pending'
    END AS status,
    job.payload::jsonb AS payload,
    job.priority::integer AS priority,
    job.attempts::integer AS attempts,
    job.max_attempts::integer AS max_attempts,
    job.last_error AS error,
    job.run_at AS scheduled_for,
    job.created_at,
    NULL::timestamptz AS completed_at
FROM doclife.jobs AS job
UNION ALL
SELECT
    job.id,
    job.kind,
    job.state,
    job.payload::jsonb,
    job.priority::integer,
    job.attempts::integer,
    job.max_attempts::integer,
    job.last_error,
    NULL,
    job.created_at,
    job.finished_at
FROM doclife.jobs_failed AS job
UNION ALL
SELECT
    job.id,
    job.kind,
    'completed',
    NULL,
    NULL,
    job.attempts::integer,
    NULL,
    NULL,
    NULL,
    job.created_at,
    job.finished_at
FROM doclife.job_history AS job
WHERE job.finished_at > now() - interval '7 days';

CREATE OR REPLACE FUNCTION enqueue_inserted_job() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.id := doclife.enqueue_job(
        NEW.type,
        coalesce(NEW.payload, '{}'),
        run_at => coalesce(NEW.scheduled_for, now()),
        priority => coalesce(NEW.priority, 100),
        max_attempts => NEW.max_attempts
    );
    NEW.status := 'pending';
    NEW.attempts := 0;
    NEW.created_at := now();
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER enqueue_inserted_job INSTEAD OF INSERT ON queue_jobs
FOR EACH ROW EXECUTE FUNCTION enqueue_inserted_job();

CREATE OR REPLACE VIEW scheduled_jobs WITH (security_invoker = true) AS
SELECT
    schedule.id,
    schedule.name,
    schedule.cron AS cron_expression,
    schedule.time_zone,
    schedule.kind AS type,
    schedule.payload,
    schedule.is_active,
    schedule.last_run_at,
    schedule.next_run_at,
    schedule.last_state AS last_status,
    schedule.created_at
FROM doclife.scheduled_jobs AS schedule
WHERE schedule.rule_id IS NULL;

CREATE OR REPLACE VIEW queue_stats WITH (security_invoker = true) AS
SELECT
    tally.type,
    tally.status,
    sum(tally.jobs)::bigint AS count
FROM (
    SELECT
        job.kind AS type,
        CASE WHEN leased.job_id IS NULL THEN 'pending' ELSE 'processing' END AS status,
        count(*) AS jobs
    FROM doclife.jobs AS job
    LEFT JOIN doclife.jobs_under_way() AS leased (job_id) ON job.id = leased.job_id
    GROUP BY job.kind, leased.job_id IS NULL
    UNION ALL
    SELECT
        kind,
        state,
        count(*)
    FROM doclife.jobs_failed
    GROUP BY kind, state
    UNION ALL
    SELECT
        kind,
        'completed',
        sum(completed)
    FROM doclife.job_counts
    GROUP BY kind
) AS tally
GROUP BY tally.type, tally.status;

CREATE OR REPLACE FUNCTION count_jobs_by_state() RETURNS TABLE (status text, count bigint)
LANGUAGE sql STABLE
SET search_path = doclife, pg_temp
AS $$
    SELECT
        tally.status,
        sum(tally.jobs)::bigint
    FROM (
        SELECT
            CASE
                WHEN job.id IN (SELECT jobs_under_way()) THEN 'processing'
                ELSE 'pending'
            END AS status,
            1 AS jobs
        FROM jobs AS job
        UNION ALL
        SELECT failed.state, 1 FROM jobs_failed AS failed
        UNION ALL
        SELECT 'completed', completed FROM job_counts
    ) AS tally
    GROUP BY tally.status
    ORDER BY tally.status
$$;

CREATE OR REPLACE FUNCTION get_pending_jobs(job_limit integer DEFAULT 10)
RETURNS TABLE (
    id bigint, type text, payload jsonb, priority integer, attempts integer,
    scheduled_for timestamptz, created_at timestamptz
)
LANGUAGE sql STABLE
SET search_path = doclife, pg_temp
AS $$
    SELECT
        job.id, job.kind, job.payload::jsonb, job.priority::integer, job.attempts::integer,
        job.run_at, job.created_at
    FROM jobs AS job
    WHERE
        job.run_at <= now()
        AND job.id NOT IN (SELECT jobs_under_way())
    ORDER BY job.priority, job.run_at, job.id
    LIMIT job_limit
$$;

-- For the role doclife_worker: an application does not decide over other applications' jobs.
CREATE OR REPLACE FUNCTION retry_failed_jobs(
    job_type text DEFAULT NULL, job_limit integer DEFAULT 1000
) RETURNS integer
LANGUAGE sql
SET search_path = doclife, pg_temp
AS $$
    WITH chosen AS (
        SELECT id FROM jobs_failed
        WHERE state = 'failed' AND (job_type IS NULL OR kind = job_type)
        ORDER BY id LIMIT job_limit FOR UPDATE
    ),
    taken AS (
        DELETE FROM jobs_failed USING chosen WHERE jobs_failed.id = chosen.id
        RETURNING jobs_failed.*
    ),
    stored AS (
        INSERT INTO jobs (
            id, organization_id, kind, payload, priority, unique_key, max_attempts,
            timeout_seconds, last_error, requested_by, plan_id, endpoint_id, created_at
        )
        OVERRIDING SYSTEM VALUE
        SELECT
            id, organization_id, kind, payload, priority, unique_key, max_attempts,
            timeout_seconds, last_error, requested_by, plan_id,
            (
                SELECT endpoint.id FROM webhook_endpoints AS endpoint
                WHERE
                    taken.kind = 'webhook' AND endpoint.organization_id = taken.organization_id
                    AND (
                        endpoint.id = taken.endpoint_id
                        OR endpoint.name = taken.payload::jsonb ->> 'endpoint'
                    )
                ORDER BY endpoint.id = taken.endpoint_id DESC NULLS LAST LIMIT 1
            ),
            created_at
        FROM taken
        RETURNING id
    )
    SELECT count(*)::integer FROM stored
$$;

-- Completed jobs leave by whole days of history (doclife's own weekly cleanup); what is left to clean
-- are jobs that were given up. Returns how many.
CREATE OR REPLACE FUNCTION clean_old_jobs(days integer DEFAULT 30) RETURNS integer
LANGUAGE sql
SET search_path = doclife, pg_temp
AS $$
    WITH removed AS (
        DELETE FROM jobs_failed
        WHERE finished_at < now() - make_interval(days => greatest(days, 7))
        RETURNING id
    )
    SELECT count(*)::integer FROM removed
$$;

-- The same under their Spanish names. They find the functions above
-- whatever the caller's search path is.
CREATE OR REPLACE FUNCTION contar_trabajos_por_estado()
RETURNS TABLE (estado text, cantidad bigint)
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
    SELECT status, count FROM count_jobs_by_state();
$$;

CREATE OR REPLACE FUNCTION obtener_trabajos_pendientes(limite integer DEFAULT 10)
RETURNS TABLE (
    id bigint, tipo text, datos jsonb, prioridad integer, intentos integer,
    programado_para timestamptz, creado_en timestamptz
)
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
    SELECT id, type, payload, priority, attempts, scheduled_for, created_at
    FROM get_pending_jobs(limite);
$$;

CREATE OR REPLACE FUNCTION reintentar_trabajos_fallidos(
    tipo text DEFAULT NULL, limite integer DEFAULT 1000
) RETURNS integer
LANGUAGE sql
SET search_path FROM CURRENT
AS $$
    SELECT retry_failed_jobs(tipo, limite);
$$;

CREATE OR REPLACE FUNCTION limpiar_trabajos_antiguos(dias integer DEFAULT 30) RETURNS integer
LANGUAGE sql
SET search_path FROM CURRENT
AS $$
    SELECT clean_old_jobs(dias);
$$;

REVOKE ALL ON FUNCTION count_jobs_by_state(), get_pending_jobs(integer),
retry_failed_jobs(text, integer), clean_old_jobs(integer), contar_trabajos_por_estado(),
obtener_trabajos_pendientes(integer), reintentar_trabajos_fallidos(text, integer),
limpiar_trabajos_antiguos(integer) FROM public;
GRANT SELECT ON queue_jobs, scheduled_jobs, queue_stats
TO doclife_application, doclife_worker, doclife_reader;
GRANT INSERT ON queue_jobs TO doclife_application, doclife_worker;
GRANT EXECUTE ON FUNCTION count_jobs_by_state(), get_pending_jobs(integer),
contar_trabajos_por_estado(), obtener_trabajos_pendientes(integer)
TO doclife_application, doclife_worker;
GRANT EXECUTE ON FUNCTION retry_failed_jobs(text, integer), clean_old_jobs(integer),
reintentar_trabajos_fallidos(text, integer), limpiar_trabajos_antiguos(integer) TO doclife_worker;
