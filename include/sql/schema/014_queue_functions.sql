-- The queue's own functions: who may be served, claiming a batch, and the words that wake a sender.

-- When the next job that a sender may take, and none has taken, has its turn; NULL when there is none.
-- None while all is halted, of a channel that is stopped, or for an endpoint that is
-- not there or not enabled; for one that rests the end of its rest, when it is looked at again.
CREATE FUNCTION next_due_at() RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = doclife, pg_temp
AS $$
    WITH RECURSIVE level (priority) AS (
        (SELECT job.priority FROM jobs AS job ORDER BY job.priority LIMIT 1)
        UNION ALL
        SELECT (
            SELECT job.priority FROM jobs AS job
            WHERE job.priority > level.priority
            ORDER BY job.priority LIMIT 1
        )
        FROM level
        WHERE level.priority IS NOT NULL
    )

    SELECT least(
        min(turn.run_at),
        (
            SELECT min(endpoint.rests_until) FROM webhook_endpoints AS endpoint
            WHERE endpoint.state = 'enabled' AND endpoint.rests_until > now()
        )
    )
    FROM level
    CROSS JOIN LATERAL (
        SELECT job.run_at
        FROM jobs AS job
        WHERE
            job.priority = level.priority
            AND job.kind NOT IN (
                SELECT stop.kind FROM channel_stops AS stop WHERE stop.stopped_until > now()
            )
            AND (
                job.kind <> 'webhook'
                OR job.endpoint_id IN (
                    SELECT endpoint.id FROM webhook_endpoints AS endpoint
                    WHERE
                        endpoint.state = 'enabled'
                        AND (endpoint.rests_until <= now()) IS NOT FALSE
                )
            )
            AND job.id NOT IN (SELECT unnest(batch.job_ids) FROM job_batches AS batch)
        ORDER BY job.run_at, job.id
        LIMIT 1
    ) AS turn
    WHERE halt_reason() IS NULL
$$;

-- Leases the next jobs to a worker and returns them in the order of their turn. Claims are one at a
-- time (about a millisecond each), so that no row of jobs is ever locked or written by claiming.
-- Each priority is looked up by itself: jobs that are not due yet cost nothing.
--   hints: per priority, where the last claim ended; what lies before is looked at by a claim
--          without hints only. They spare a claim the remains of finished jobs that an old
--          snapshot keeps VACUUM from removing.
CREATE FUNCTION claim_jobs(
    worker bigint,
    size integer,
    kinds text [],
    full_endpoints bigint [],
    hint_priorities smallint [],
    hint_run_ats timestamptz []
) RETURNS TABLE (
    batch_id bigint,
    job_id bigint,
    organization_id bigint,
    kind text,
    payload text,
    endpoint_id bigint,
    attempts smallint,
    timeout_seconds integer,
    priority smallint,
    run_at timestamptz
)
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    new_batch bigint;
    enabled bigint [];
    takeable text [];
BEGIN
    IF halt_reason() IS NOT NULL THEN
        RETURN;
    END IF;
    -- The next statement sees what the claimer before us has committed.
    PERFORM pg_advisory_xact_lock(7405, 1);
    new_batch := nextval(pg_get_serial_sequence('doclife.job_batches', 'id'));
    enabled := ARRAY(
        SELECT endpoint.id FROM webhook_endpoints AS endpoint
        WHERE
            endpoint.state = 'enabled'
            AND (endpoint.rests_until <= now()) IS NOT FALSE
            AND endpoint.id <> ALL(full_endpoints)
    );
    takeable := ARRAY(
        SELECT each.kind FROM unnest(kinds) AS each (kind)
        WHERE each.kind NOT IN (
            SELECT stop.kind FROM channel_stops AS stop WHERE stop.stopped_until > now()
        )
    );
    RETURN QUERY
    WITH RECURSIVE level (priority) AS (
        (SELECT job.priority FROM jobs AS job ORDER BY job.priority LIMIT 1)
        UNION ALL
        SELECT (
            SELECT job.priority FROM jobs AS job
            WHERE job.priority > level.priority
            ORDER BY job.priority LIMIT 1
        )
        FROM level
        WHERE level.priority IS NOT NULL
    ),
    taken AS MATERIALIZED (
        SELECT turn.*
        FROM level
        CROSS JOIN LATERAL (
            SELECT
                job.id, job.organization_id, job.kind, job.payload, job.endpoint_id, job.attempts,
                job.timeout_seconds, job.priority, job.run_at
            FROM jobs AS job
            WHERE
                job.priority = level.priority
                AND job.run_at <= now()
                AND job.run_at >= coalesce(
                    hint_run_ats[array_position(hint_priorities, level.priority)], '-infinity'
                )
                AND job.kind = ANY(takeable)
                AND (job.kind <> 'webhook' OR job.endpoint_id = ANY(enabled))
                AND job.id NOT IN (SELECT unnest(batch.job_ids) FROM job_batches AS batch)
            ORDER BY job.priority, job.run_at, job.id
            LIMIT size
        ) AS turn
        ORDER BY turn.priority, turn.run_at, turn.id
        LIMIT size
    ),
    leased AS (
        INSERT INTO job_batches (id, worker_id, job_ids)
        OVERRIDING SYSTEM VALUE
        SELECT new_batch, worker, array_agg(taken.id) FROM taken HAVING count(*) > 0
    )
    SELECT
        new_batch, taken.id, taken.organization_id, taken.kind, taken.payload, taken.endpoint_id,
        taken.attempts, taken.timeout_seconds, taken.priority, taken.run_at
    FROM taken
    ORDER BY taken.priority, taken.run_at, taken.id;
END
$$;

-- Wakes who waits for work: one word per transaction, whatever it stored.
CREATE FUNCTION wake_queue() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('doclife_queue', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER wake_queue AFTER INSERT ON jobs
FOR EACH STATEMENT EXECUTE FUNCTION wake_queue();
CREATE TRIGGER wake_queue AFTER INSERT OR UPDATE OF next_run_at ON scheduled_jobs
FOR EACH STATEMENT EXECUTE FUNCTION wake_queue();
-- A sender that ends may leave work to the next one.
CREATE TRIGGER wake_queue AFTER DELETE ON job_workers
FOR EACH STATEMENT EXECUTE FUNCTION wake_queue();
CREATE TRIGGER wake_queue AFTER UPDATE OF is_on ON switches
FOR EACH STATEMENT EXECUTE FUNCTION wake_queue();

-- Calls that were stored before their endpoint was set up find it by its name, and so do those that
-- were stored while the one before was removed.
CREATE FUNCTION give_waiting_calls_their_endpoint() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE jobs SET endpoint_id = NEW.id
        WHERE
            kind = 'webhook' AND organization_id = NEW.organization_id
            AND (
                endpoint_id IS NULL
                OR NOT EXISTS (
                    SELECT FROM webhook_endpoints AS endpoint WHERE endpoint.id = jobs.endpoint_id
                )
            )
            AND payload::jsonb ->> 'endpoint' = NEW.name;
    END IF;
    PERFORM pg_notify('doclife_queue', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER give_waiting_calls_their_endpoint AFTER INSERT OR UPDATE OF state ON webhook_endpoints
FOR EACH ROW EXECUTE FUNCTION give_waiting_calls_their_endpoint();

GRANT EXECUTE ON FUNCTION next_due_at(),
claim_jobs(bigint, integer, text [], bigint [], smallint [], timestamptz []),
wake_queue(), give_waiting_calls_their_endpoint() TO doclife_worker;
-- A claim takes its number before it is stored.
GRANT USAGE ON SEQUENCE job_batches_id_seq TO doclife_worker;

-- Events that somebody wants to hear of: a subscription, or a rule that reacts. What nobody wants
-- costs no row. Gone when reacted to, in the transaction of the reaction: neither a dead process nor
-- a late commit repeats or skips one.
CREATE TABLE events_to_react (
    event_id bigint PRIMARY KEY REFERENCES events,
    organization_id bigint NOT NULL
);
CREATE INDEX events_to_react_by_organization ON events_to_react (organization_id, event_id);

-- The last day on which each of doclife's own events happened to a document, as far as a rule with
-- ON_EVENT listens: what such a rule counts from. What no rule listens to costs no row, and a rule
-- hears nothing of what happened before it was there.
CREATE TABLE heard_events (
    document_id bigint NOT NULL,
    type text NOT NULL,
    occurred_on date NOT NULL,
    PRIMARY KEY (document_id, type)
);
CREATE INDEX heard_events_by_day ON heard_events (type, occurred_on);

-- Who wants to hear of events of a type.
CREATE FUNCTION find_listeners(
    for_organization_id bigint, event_type text, OUT by_subscription boolean, OUT by_rule boolean
)
LANGUAGE sql STABLE
SET search_path = doclife, pg_temp
AS $$
    SELECT
        EXISTS (
            SELECT FROM webhook_subscriptions AS subscription
            INNER JOIN webhook_endpoints AS endpoint ON subscription.endpoint_id = endpoint.id
            WHERE
                endpoint.organization_id = for_organization_id
                AND subscription.event_types && event_patterns(event_type)
        ),
        EXISTS (
            SELECT FROM rules AS rule
            INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
            WHERE
                rule.organization_id = for_organization_id
                AND rule.removed_at IS NULL
                AND version.mode <> 'off'
                AND version.definition -> 'trigger' ->> 'event' = event_type
        )
$$;
REVOKE EXECUTE ON FUNCTION find_listeners(bigint, text) FROM public;

-- By statement and by type: an import of a thousand documents asks once who listens, and looks at
-- single events only when somebody does.
CREATE FUNCTION keep_events_to_react() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    unknown_type text;
    are_heard boolean;
BEGIN
    SELECT
        min(kind.type) FILTER (WHERE kind.is_own AND kind.type <> ALL(own_event_types())),
        bool_or(listeners.by_subscription OR listeners.by_rule)
    INTO unknown_type, are_heard
    FROM (
        SELECT organization_id, type, bool_or(NOT is_external) AS is_own
        FROM new_events
        GROUP BY organization_id, type
    ) AS kind
    CROSS JOIN LATERAL find_listeners(kind.organization_id, kind.type) AS listeners;
    IF unknown_type IS NOT NULL THEN
        RAISE EXCEPTION '% is not among the events that doclife emits', unknown_type
            USING ERRCODE = 'check_violation', CONSTRAINT = 'an_own_event_is_on_the_list';
    END IF;
    IF are_heard IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    -- A rule acts on documents that are there: what it cannot hear of is not kept for it.
    WITH wanted AS MATERIALIZED (
        SELECT
            kind.organization_id,
            kind.type,
            listeners.by_subscription,
            listeners.by_rule
        FROM (SELECT DISTINCT organization_id, type FROM new_events) AS kind
        CROSS JOIN LATERAL find_listeners(kind.organization_id, kind.type) AS listeners
    ),
    heard AS (
        INSERT INTO heard_events AS known (document_id, type, occurred_on)
        SELECT event.document_id, event.type, max(event.occurred_on)
        FROM new_events AS event
        INNER JOIN wanted USING (organization_id, type)
        WHERE wanted.by_rule AND NOT event.is_external AND event.document_id IS NOT NULL
        GROUP BY event.document_id, event.type
        ORDER BY event.document_id, event.type
        ON CONFLICT (document_id, type) DO UPDATE
            SET occurred_on = greatest(known.occurred_on, excluded.occurred_on)
    )
    INSERT INTO events_to_react (event_id, organization_id)
    SELECT event.id, event.organization_id
    FROM new_events AS event
    INNER JOIN wanted USING (organization_id, type)
    WHERE wanted.by_subscription OR (wanted.by_rule AND event.document_id IS NOT NULL);
    IF FOUND THEN
        PERFORM pg_notify('doclife_queue', '');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_events_to_react AFTER INSERT ON events
REFERENCING NEW TABLE AS new_events
FOR EACH STATEMENT EXECUTE FUNCTION keep_events_to_react();

GRANT INSERT, UPDATE, DELETE ON events_to_react TO doclife_worker;
GRANT DELETE ON scheduled_jobs TO doclife_worker;
