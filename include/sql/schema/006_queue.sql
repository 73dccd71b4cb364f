-- Unfinished jobs, the batches that lease them, and what became of the finished ones.

-- A process that sends. It lives as long as its beats go on: rescue watches the counter, so that a
-- clock that jumps neither kills a living worker nor keeps a dead one alive.
CREATE TABLE job_workers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    beats bigint NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);

-- A claim: the lease is one row however many jobs it holds. Completing needs the row, so a worker
-- that comes back after it was given up for dead writes nothing.
CREATE TABLE job_batches (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker_id bigint NOT NULL REFERENCES job_workers,
    job_ids bigint [] NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    -- NULL while the batch was only fetched ahead: then nothing of it can have left the worker.
    begun_at timestamptz
);
CREATE INDEX job_batches_by_worker ON job_batches (worker_id);

CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Without a reference, whose check costs a quarter of storing a job: the functions that store
    -- jobs look the organization up, and none is ever removed.
    organization_id bigint NOT NULL,
    kind text NOT NULL,
    -- JSON as text, ready to send.
    payload text NOT NULL,
    priority smallint NOT NULL DEFAULT 100,
    run_at timestamptz NOT NULL DEFAULT now(),
    unique_key text,
    attempts smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL,
    timeout_seconds integer,
    last_error text,
    requested_by text NOT NULL,
    plan_id bigint REFERENCES plans,
    endpoint_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_job_has_a_known_kind
    CHECK (kind IN ('email', 'webhook', 'slack', 'archive', 'delete', 'notification', 'report')),
    CONSTRAINT a_job_payload_is_an_object CHECK (json_typeof(payload::json) = 'object'),
    CONSTRAINT a_job_has_at_least_one_attempt CHECK (max_attempts >= 1),
    CONSTRAINT attempts_are_not_negative CHECK (attempts >= 0)
);
CREATE INDEX jobs_by_turn ON jobs (priority, run_at, id);
-- Calls whose endpoint is not set up yet: they wait for one of that name.
CREATE INDEX jobs_without_endpoint ON jobs (organization_id)
WHERE kind = 'webhook' AND endpoint_id IS NULL;

-- Whoever waits until what a plan says is delivered.
CREATE INDEX jobs_by_plan ON jobs (plan_id)
WHERE plan_id IS NOT NULL;

-- Unique keys outlive completion.
CREATE TABLE job_keys (
    organization_id bigint NOT NULL REFERENCES organizations,
    unique_key text NOT NULL,
    job_id bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, unique_key)
);

-- Given up or cancelled, kept whole so that they can be looked at and retried.
CREATE TABLE jobs_failed (
    id bigint PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    kind text NOT NULL,
    payload text NOT NULL,
    priority smallint NOT NULL,
    unique_key text,
    attempts smallint NOT NULL,
    max_attempts smallint NOT NULL,
    timeout_seconds integer,
    last_error text,
    requested_by text NOT NULL,
    plan_id bigint,
    endpoint_id bigint,
    created_at timestamptz NOT NULL,
    state text NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_failed_job_failed_or_was_cancelled CHECK (state IN ('failed', 'cancelled'))
);
CREATE INDEX jobs_failed_by_plan ON jobs_failed (plan_id)
WHERE plan_id IS NOT NULL;

CREATE TABLE job_history (
    id bigint NOT NULL,
    organization_id bigint NOT NULL,
    kind text NOT NULL,
    attempts smallint NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    -- Of webhook calls where they went and what was sent, so that it can be sent again.
    endpoint_id bigint,
    payload text,
    PRIMARY KEY (finished_at, id)
) PARTITION BY RANGE (finished_at);
CREATE TABLE job_history_default PARTITION OF job_history DEFAULT;
-- Jobs end roughly in the order they were stored: so much tells where one lies, and costs next to
-- nothing when it is written.
CREATE INDEX job_history_by_id ON job_history USING brin (id)
WITH (pages_per_range = 32, autosummarize = on);

-- How many jobs were completed on each day (UTC), so that nobody counts the history.
CREATE TABLE job_counts (
    organization_id bigint NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    completed bigint NOT NULL,
    PRIMARY KEY (organization_id, kind, day)
);

-- Of jobs, and of tests that people send: these have numbers below 0.
CREATE TABLE delivery_attempts (
    job_id bigint NOT NULL,
    attempt smallint NOT NULL,
    organization_id bigint NOT NULL,
    kind text NOT NULL,
    endpoint_id bigint,
    outcome text NOT NULL,
    status_code smallint,
    latency_ms integer,
    answer_head text,
    error text,
    attempted_at timestamptz NOT NULL,
    CONSTRAINT an_outcome_is_known CHECK (outcome IN ('sent', 'retry', 'dead', 'unknown'))
) PARTITION BY RANGE (attempted_at);
CREATE INDEX delivery_attempts_by_job ON delivery_attempts (job_id);
CREATE INDEX delivery_attempts_by_endpoint
ON delivery_attempts (endpoint_id, attempted_at, job_id, attempt)
WHERE endpoint_id IS NOT NULL;
-- The log of a channel, and when it was well and when it was not last.
CREATE INDEX delivery_attempts_by_channel
ON delivery_attempts (organization_id, kind, outcome, attempted_at, job_id, attempt)
WHERE kind IN ('email', 'slack');
CREATE TABLE delivery_attempts_default PARTITION OF delivery_attempts DEFAULT;

-- A channel whose credentials were refused: its jobs wait, untried, until it is tried again.
CREATE TABLE channel_stops (
    kind text PRIMARY KEY,
    reason text NOT NULL,
    stopped_at timestamptz NOT NULL DEFAULT now(),
    stopped_until timestamptz NOT NULL
);

-- What is done by cron: a job is stored, or a rule is planned.
CREATE TABLE scheduled_jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- The rule whose own cron this is. Its row comes and goes with the rule's cron.
    rule_id bigint UNIQUE REFERENCES rules,
    name text NOT NULL,
    cron text NOT NULL,
    time_zone text NOT NULL DEFAULT 'UTC',
    kind text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    missed_runs text NOT NULL DEFAULT 'latest',
    is_active boolean NOT NULL DEFAULT true,
    last_run_at timestamptz,
    next_run_at timestamptz,
    last_state text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_schedule_name_is_unique UNIQUE (organization_id, name),
    CONSTRAINT schedules_of_kind_rule_belong_to_a_rule
    CHECK ((rule_id IS NOT NULL) = (kind = 'rule')),
    CONSTRAINT names_that_begin_with_rule_belong_to_a_rule
    CHECK ((rule_id IS NOT NULL) = starts_with(name, 'rule:')),
    CONSTRAINT missed_runs_are_skipped_or_made_up_for
    CHECK (missed_runs IN ('skip', 'latest', 'all'))
);
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON scheduled_jobs
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();

GRANT INSERT, UPDATE, DELETE ON job_workers, job_batches, jobs, job_keys, jobs_failed,
channel_stops TO doclife_worker;
GRANT INSERT, UPDATE ON job_counts TO doclife_worker;
-- Jobs that are stored in sets take their numbers beforehand.
GRANT USAGE ON SEQUENCE jobs_id_seq TO doclife_worker;
GRANT INSERT ON job_history, delivery_attempts TO doclife_worker;
GRANT INSERT, UPDATE ON scheduled_jobs TO doclife_worker;
