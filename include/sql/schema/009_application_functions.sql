-- What existing applications call, in any language, inside their own transaction.

CREATE FUNCTION organization_id_of(slug_given text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = doclife, pg_temp
AS $$
DECLARE
    found bigint;
BEGIN
    SELECT id INTO found FROM organizations WHERE slug = slug_given;
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no organization %', quote_literal(slug_given)
            USING HINT = 'INSERT INTO doclife.organizations (slug, name) VALUES (...)';
    END IF;
    RETURN found;
END
$$;

-- What is wrong with the payload of a job, or NULL: asked when the job is stored, so that nobody
-- learns of it at three in the morning. An unknown kind is refused by the table.
CREATE FUNCTION payload_fault(kind text, payload jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = doclife, pg_temp
AS $$
DECLARE
    document_keys integer;
BEGIN
    IF jsonb_typeof(payload) IS DISTINCT FROM 'object' THEN
        RETURN NULL; -- the table's own constraint says it
    END IF;
    CASE kind
        WHEN 'email' THEN
            IF jsonb_typeof(payload -> 'to') = 'array' THEN
                IF jsonb_array_length(payload -> 'to') = 0 OR jsonb_path_exists(
                    payload, '$.to[*] ? (@.type() != "string" || !(@ like_regex "^[^@[:space:]]+@[^@[:space:]]+$"))'
                ) THEN
                    RETURN '"to" is a mail address or a list of them';
                END IF;
            ELSIF coalesce(payload ->> 'to', '') !~ '^[^@[:space:]]+@[^@[:space:]]+$' THEN
                RETURN '"to" is a mail address or a list of them';
            END IF;
            IF coalesce(payload ->> 'subject', '') !~ '^[^[:cntrl:]]+$' THEN
                RETURN '"subject" is one line of text';
            END IF;
            IF coalesce(payload ->> 'text', '') = '' AND coalesce(payload ->> 'html', '') = '' THEN
                RETURN '"text" or "html" is what the mail says';
            END IF;
            IF coalesce(jsonb_typeof(payload -> 'headers'), 'object') <> 'object' THEN
                RETURN '"headers" is an object of header names and texts';
            END IF;
        WHEN 'webhook' THEN
            IF jsonb_typeof(payload -> 'endpoint') IS DISTINCT FROM 'string'
                OR payload ->> 'endpoint' = '' THEN
                RETURN '"endpoint" is the name of a webhook endpoint';
            END IF;
            IF coalesce(payload ->> 'type', '') !~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$' THEN
                RETURN '"type" is words with dots, such as invoice.paid';
            END IF;
            IF jsonb_typeof(payload -> 'data') IS DISTINCT FROM 'object' THEN
                RETURN '"data" is an object: what the call tells';
            END IF;
            IF coalesce(jsonb_typeof(payload -> 'headers'), 'object') <> 'object' THEN
                RETURN '"headers" is an object of header names and texts';
            END IF;
        WHEN 'slack' THEN
            IF coalesce(payload ->> 'text', '') = '' THEN
                RETURN '"text" is what the message says, also where blocks are shown';
            END IF;
            IF coalesce(jsonb_typeof(payload -> 'blocks'), 'array') NOT IN ('array', 'null') THEN
                RETURN '"blocks" is a list of Block Kit blocks';
            END IF;
        WHEN 'notification' THEN
            IF coalesce(payload ->> 'recipient', '') = '' THEN
                RETURN '"recipient" is who sees it in the dashboard';
            END IF;
            IF coalesce(payload ->> 'title', '') = '' OR coalesce(payload ->> 'body', '') = '' THEN
                RETURN '"title" and "body" are what it says';
            END IF;
        WHEN 'archive', 'delete' THEN
            document_keys := (payload ? 'document_ids')::integer + (payload ? 'external_ids')::integer;
            IF document_keys <> 1
                OR jsonb_typeof(coalesce(payload -> 'document_ids', payload -> 'external_ids')) <> 'array'
                OR jsonb_path_exists(payload, '$.document_ids[*] ? (@.type() != "number")')
                OR jsonb_path_exists(payload, '$.external_ids[*] ? (@.type() != "string")')
                OR jsonb_array_length(coalesce(payload -> 'document_ids', payload -> 'external_ids'))
                NOT BETWEEN 1 AND 10000
            THEN
                RETURN 'give "document_ids" or "external_ids", a list of 1 to 10000';
            END IF;
            IF coalesce(payload ->> 'reason', '') = '' THEN
                RETURN '"reason" says why, for the audit trail';
            END IF;
        WHEN 'report' THEN
            IF jsonb_typeof(payload -> 'days') <> 'number'
                OR payload ->> 'days' !~ '^([1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-6])$'
            THEN
                RETURN '"days" is how many whole days it is about, 1 to 366';
            END IF;
            IF payload ->> 'from' !~ '^\d{4}-\d\d-\d\d$' OR payload ->> 'until' !~ '^\d{4}-\d\d-\d\d$' THEN
                RETURN '"from" and "until" are days, such as 2026-01-31';
            END IF;
            IF jsonb_typeof(payload -> 'to') <> 'array' OR jsonb_path_exists(
                payload, '$.to[*] ? (@.type() != "string" || !(@ like_regex "^[^@[:space:]]+@[^@[:space:]]+$"))'
            ) THEN
                RETURN '"to" is a list of mail addresses';
            END IF;
            IF payload ->> 'send' NOT IN ('attachment', 'link', 'none') THEN
                RETURN '"send" is attachment, link or none';
            END IF;
            IF jsonb_typeof(payload -> 'store') <> 'string' THEN
                RETURN '"store" is the name of a store';
            END IF;
        ELSE
            NULL;
    END CASE;
    RETURN NULL;
END
$$;

-- Stores jobs of one kind and returns their ids in the order given; the first job's id where a
-- unique key is taken. All of them or none: a payload that is wrong is named by its position.
-- Each payload is read once: that costs half of storing it.
CREATE FUNCTION store_jobs(
    tenant bigint,
    kind text,
    payloads text [],
    run_at timestamptz,
    priority integer,
    unique_keys text [],
    max_attempts integer,
    timeout_seconds integer,
    requested_by text
) RETURNS bigint []
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    ids bigint [];
    fault_at bigint;
    fault text;
BEGIN
    IF cardinality(store_jobs.unique_keys) <> cardinality(store_jobs.payloads) THEN
        RAISE EXCEPTION 'give one unique key for each payload'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WITH given AS MATERIALIZED (
        SELECT
            each.payload, each.unique_key, each.position,
            nextval('jobs_id_seq') AS id,
            payload_fault(store_jobs.kind, read.payload) AS fault,
            read.payload ->> 'endpoint' AS endpoint
        FROM unnest(store_jobs.payloads, store_jobs.unique_keys) WITH ORDINALITY
            AS each (payload, unique_key, position)
        CROSS JOIN LATERAL (SELECT each.payload::jsonb AS payload OFFSET 0) AS read
    ),
    first_fault AS (
        SELECT given.position, given.fault
        FROM given
        WHERE given.fault IS NOT NULL
        ORDER BY given.position LIMIT 1
    ),
    keyed AS (
        INSERT INTO job_keys AS taken (organization_id, unique_key, job_id, expires_at)
        SELECT DISTINCT ON (given.unique_key)
            store_jobs.tenant, given.unique_key, given.id,
            greatest(store_jobs.run_at, now()) + interval '30 days'
        FROM given
        WHERE given.unique_key IS NOT NULL AND (SELECT position FROM first_fault) IS NULL
        ORDER BY given.unique_key, given.position
        ON CONFLICT (organization_id, unique_key) DO UPDATE
        SET job_id = excluded.job_id, expires_at = excluded.expires_at
        WHERE taken.expires_at < now()
        RETURNING taken.unique_key, taken.job_id
    ),
    stored AS (
        INSERT INTO jobs (
            id, organization_id, kind, payload, priority, run_at, unique_key, max_attempts,
            timeout_seconds, requested_by, endpoint_id
        )
        OVERRIDING SYSTEM VALUE
        SELECT
            given.id, store_jobs.tenant, store_jobs.kind, given.payload, store_jobs.priority,
            store_jobs.run_at, given.unique_key,
            coalesce(store_jobs.max_attempts, CASE store_jobs.kind WHEN 'webhook' THEN 10 ELSE 3 END),
            store_jobs.timeout_seconds, store_jobs.requested_by, endpoint.id
        FROM given
        LEFT JOIN webhook_endpoints AS endpoint
            ON store_jobs.kind = 'webhook'
            AND endpoint.organization_id = store_jobs.tenant
            AND endpoint.name = given.endpoint
        WHERE
            (SELECT position FROM first_fault) IS NULL
            AND (given.unique_key IS NULL OR given.id IN (SELECT keyed.job_id FROM keyed))
    )
    SELECT
        array_agg(coalesce(keyed.job_id, CASE WHEN given.unique_key IS NULL THEN given.id END)
        ORDER BY given.position),
        (SELECT position FROM first_fault),
        (SELECT fault FROM first_fault)
    INTO ids, fault_at, fault
    FROM given
    LEFT JOIN keyed ON given.unique_key = keyed.unique_key;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '% job%: %', store_jobs.kind,
            CASE WHEN cardinality(store_jobs.payloads) > 1 THEN ' ' || fault_at ELSE '' END, fault
            USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = 'a_job_payload_fits_its_kind',
            HINT = 'What each kind takes: docs/queue.md';
    END IF;
    IF array_position(ids, NULL) IS NOT NULL THEN
        -- What another transaction took is seen by a new statement only.
        SELECT array_agg(coalesce(found.id, taken.job_id) ORDER BY found.position) INTO ids
        FROM unnest(ids, store_jobs.unique_keys) WITH ORDINALITY AS found (id, unique_key, position)
        LEFT JOIN job_keys AS taken
            ON taken.organization_id = store_jobs.tenant AND found.unique_key = taken.unique_key;
    END IF;
    RETURN coalesce(ids, '{}');
END
$$;

CREATE FUNCTION refuse_destruction_without_grant(kind text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF
        kind IN ('archive', 'delete')
        AND NOT pg_has_role(session_user, 'doclife_destruction', 'MEMBER')
        AND NOT pg_has_role(session_user, 'doclife_worker', 'MEMBER')
    THEN
        RAISE EXCEPTION 'user % may not enqueue % jobs', session_user, kind
            USING ERRCODE = 'insufficient_privilege',
            HINT = 'GRANT doclife_destruction TO ' || quote_ident(session_user);
    END IF;
END
$$;

-- Enqueues one job and returns its id; the same unique_key within its lifetime returns the first
-- job's id. archive and delete jobs, which become plans with all belts, need doclife_destruction.
CREATE FUNCTION enqueue_job(
    kind text,
    payload jsonb,
    organization text DEFAULT 'default',
    run_at timestamptz DEFAULT now(),
    priority integer DEFAULT 100,
    unique_key text DEFAULT NULL,
    max_attempts integer DEFAULT NULL,
    timeout_seconds integer DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    tenant bigint := organization_id_of(enqueue_job.organization);
BEGIN
    PERFORM refuse_destruction_without_grant(enqueue_job.kind);
    RETURN (store_jobs(
        tenant, enqueue_job.kind, ARRAY[enqueue_job.payload::text], enqueue_job.run_at,
        enqueue_job.priority, ARRAY[enqueue_job.unique_key], enqueue_job.max_attempts,
        enqueue_job.timeout_seconds, 'application:' || session_user
    ))[1];
END
$$;

-- Enqueues many jobs of one kind in one call and returns their ids in the order given. All of them
-- or none: one payload that does not fit refuses the call and is named by its position.
CREATE FUNCTION enqueue_jobs(
    kind text,
    payloads jsonb [],
    organization text DEFAULT 'default',
    run_at timestamptz DEFAULT now(),
    priority integer DEFAULT 100,
    unique_keys text [] DEFAULT NULL,
    max_attempts integer DEFAULT NULL,
    timeout_seconds integer DEFAULT NULL
) RETURNS bigint []
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    tenant bigint := organization_id_of(enqueue_jobs.organization);
BEGIN
    PERFORM refuse_destruction_without_grant(enqueue_jobs.kind);
    RETURN store_jobs(
        tenant, enqueue_jobs.kind, enqueue_jobs.payloads::text [], enqueue_jobs.run_at,
        enqueue_jobs.priority, enqueue_jobs.unique_keys, enqueue_jobs.max_attempts,
        enqueue_jobs.timeout_seconds, 'application:' || session_user
    );
END
$$;

-- Cancels a job that nobody has begun to send, and says whether it did. Applications cancel what
-- they enqueued themselves.
CREATE FUNCTION cancel_job(job_id bigint, reason text DEFAULT 'cancelled by its application')
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    WITH cancelled AS (
        DELETE FROM jobs AS job
        WHERE
            job.id = cancel_job.job_id
            AND (
                job.requested_by = 'application:' || session_user
                OR pg_has_role(session_user, 'doclife_worker', 'MEMBER')
            )
            AND NOT EXISTS (
                SELECT FROM job_batches AS batch WHERE job.id = ANY(batch.job_ids)
            )
        RETURNING job.*
    )
    INSERT INTO jobs_failed (
        id, organization_id, kind, payload, priority, unique_key, attempts, max_attempts,
        timeout_seconds, last_error, requested_by, plan_id, endpoint_id, created_at, state
    )
    SELECT
        cancelled.id, cancelled.organization_id, cancelled.kind, cancelled.payload,
        cancelled.priority, cancelled.unique_key, cancelled.attempts, cancelled.max_attempts,
        cancelled.timeout_seconds, cancel_job.reason, cancelled.requested_by, cancelled.plan_id,
        cancelled.endpoint_id, cancelled.created_at, 'cancelled'
    FROM cancelled;
    RETURN FOUND;
END
$$;

-- Records that something happened to a document and returns the event's id. Events of types that
-- a rule counts retention from need doclife_clocks.
CREATE FUNCTION emit_event(
    type text,
    external_id text,
    payload jsonb DEFAULT '{}',
    organization text DEFAULT 'default',
    occurred_on date DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
#variable_conflict use_column
<<emitted>>
DECLARE
    tenant organizations%ROWTYPE;
    subject bigint;
    new_id bigint;
    may_start_clocks boolean := pg_has_role(session_user, 'doclife_clocks', 'MEMBER')
        OR pg_has_role(session_user, 'doclife_worker', 'MEMBER');
BEGIN
    IF emit_event.type = ANY(own_event_types()) THEN
        RAISE EXCEPTION '% is what doclife itself says', emit_event.type
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give an event of your application a name of its own, such as invoice.paid.';
    END IF;
    SELECT * INTO STRICT tenant FROM organizations
    WHERE id = organization_id_of(emit_event.organization);
    SELECT document.id INTO subject FROM documents AS document
    WHERE document.organization_id = tenant.id AND document.external_id = emit_event.external_id;
    IF subject IS NULL THEN
        RAISE EXCEPTION 'organization % has no document %',
            emit_event.organization, quote_literal(emit_event.external_id)
            USING HINT = 'An event needs a subject: register the document first.';
    END IF;
    IF
        NOT emitted.may_start_clocks
        AND EXISTS (
            SELECT FROM rules AS rule
            INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
            WHERE
                rule.organization_id = tenant.id AND rule.removed_at IS NULL AND version.mode <> 'off'
                AND (
                    version.definition -> 'retain' ->> 'after' = 'event:' || emit_event.type
                    OR version.definition -> 'trigger' ->> 'event' = emit_event.type
                )
        )
    THEN
        RAISE EXCEPTION 'user % may not emit %, which starts a retention clock',
            session_user, emit_event.type
            USING ERRCODE = 'insufficient_privilege',
            HINT = 'GRANT doclife_clocks TO ' || quote_ident(session_user);
    END IF;
    INSERT INTO events (
        organization_id, type, document_id, payload, occurred_on, actor, is_external, may_start_clocks
    )
    VALUES (
        tenant.id, emit_event.type, subject, emit_event.payload,
        coalesce(emit_event.occurred_on, (now() AT TIME ZONE tenant.time_zone)::date),
        'application:' || session_user, true, emitted.may_start_clocks
    )
    RETURNING id INTO new_id;
    RETURN new_id;
END
$$;

-- Takes back what an application said (the case was opened again), and says whether it did: false when
-- it was taken back before. A retention that counts from the event has no end again until a new one
-- comes. Events that may start a clock need doclife_clocks. Only doclife itself may name an actor.
CREATE FUNCTION withdraw_event(
    event_id bigint,
    reason text,
    organization text DEFAULT 'default',
    actor text DEFAULT NULL
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tenant bigint := organization_id_of(withdraw_event.organization);
    is_doclife boolean := pg_has_role(session_user, 'doclife_worker', 'MEMBER');
    who text := 'application:' || session_user;
    told events%ROWTYPE;
BEGIN
    IF coalesce(btrim(withdraw_event.reason), '') = '' THEN
        RAISE EXCEPTION 'an event is withdrawn for a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: it goes into the audit trail.';
    END IF;
    IF withdraw_event.actor IS NOT NULL AND NOT is_doclife THEN
        RAISE EXCEPTION 'user % may not name an actor', session_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    who := coalesce(withdraw_event.actor, who);
    SELECT event.* INTO told FROM events AS event
    WHERE event.id = withdraw_event.event_id AND event.organization_id = tenant AND event.is_external
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % has no event % of an application',
            withdraw_event.organization, withdraw_event.event_id
            USING ERRCODE = 'no_data_found', HINT = 'emit_event returns the number of an event.';
    END IF;
    IF
        told.may_start_clocks AND NOT is_doclife
        AND NOT pg_has_role(session_user, 'doclife_clocks', 'MEMBER')
    THEN
        RAISE EXCEPTION 'user % may not withdraw %, which may have started a retention clock',
            session_user, told.type
            USING ERRCODE = 'insufficient_privilege',
            HINT = 'GRANT doclife_clocks TO ' || quote_ident(session_user);
    END IF;
    IF told.withdrawn_at IS NOT NULL THEN
        RETURN false;
    END IF;
    UPDATE events SET withdrawn_at = now(), withdrawn_by = who WHERE id = told.id;
    INSERT INTO audit_entries (organization_id, at, actor, action, document_id, reason, details)
    VALUES (
        tenant, now(), who, 'event.withdrawn', told.document_id, withdraw_event.reason,
        jsonb_build_object('event', told.id, 'type', told.type, 'occurred_on', told.occurred_on)
    );
    RETURN true;
END
$$;

GRANT EXECUTE ON FUNCTION enqueue_job(text, jsonb, text, timestamptz, integer, text, integer, integer),
enqueue_jobs(text, jsonb [], text, timestamptz, integer, text [], integer, integer),
cancel_job(bigint, text),
emit_event(text, text, jsonb, text, date),
withdraw_event(bigint, text, text, text) TO doclife_worker, doclife_application;
GRANT EXECUTE ON FUNCTION organization_id_of(text) TO doclife_worker, doclife_application;
GRANT EXECUTE ON FUNCTION payload_fault(text, jsonb),
store_jobs(bigint, text, text [], timestamptz, integer, text [], integer, integer, text)
TO doclife_worker;
