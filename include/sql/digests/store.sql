-- Store rendered digests as jobs; one whose key is taken was stored before.
--   digests          jsonb        objects: kind, unique_key, payload (text), run_at
--   organization_id  bigint
--   as_of            timestamptz  the moment the digest is of; its key is kept for 30 days
--   actor            text
-- Returns how many were new.
WITH given AS MATERIALIZED (
    SELECT
        digest.kind,
        digest.unique_key,
        digest.payload,
        digest.run_at,
        nextval('jobs_id_seq') AS job_id
    FROM jsonb_to_recordset(%(digests)s) AS digest (
        kind text, unique_key text, payload text, run_at timestamptz
    )
),

keyed AS (
    INSERT INTO job_keys AS taken (organization_id, unique_key, job_id, expires_at)
    SELECT
        %(organization_id)s,
        given.unique_key,
        given.job_id,
        %(as_of)s::timestamptz + interval '30 days'
    FROM given
    ON CONFLICT (organization_id, unique_key) DO NOTHING
    RETURNING job_id
),

queued AS (
    INSERT INTO jobs (
        id, organization_id, kind, payload, run_at, unique_key, max_attempts, requested_by
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        given.job_id,
        %(organization_id)s,
        given.kind,
        given.payload,
        given.run_at,
        given.unique_key,
        3,
        %(actor)s
    FROM given
    INNER JOIN keyed ON given.job_id = keyed.job_id
    RETURNING id
)

SELECT count(*) AS stored
FROM queued;
