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
#variable_conflict use_column
DECLARE
    tenant bigint := organization_id_of(enqueue_job.organization);
    new_id bigint;
    first_id bigint;
BEGIN
    IF
        enqueue_job.kind IN ('archive', 'delete')
        AND NOT pg_has_role(session_user, 'doclife_destruction', 'MEMBER')
        AND NOT pg_has_role(session_user, 'doclife_worker', 'MEMBER')
    THEN
        RAISE EXCEPTION 'user % may not enqueue % jobs', session_user, enqueue_job.kind
            USING ERRCODE = 'insufficient_privilege',
            HINT = 'GRANT doclife_destruction TO ' || quote_ident(session_user);
    END IF;
    new_id := nextval(pg_get_serial_sequence('doclife.jobs', 'id'));
    IF enqueue_job.unique_key IS NOT NULL THEN
        INSERT INTO job_keys AS taken (organization_id, unique_key, job_id, expires_at)
        VALUES (
            tenant, enqueue_job.unique_key, new_id,
            greatest(enqueue_job.run_at, now()) + interval '30 days'
        )
        ON CONFLICT (organization_id, unique_key) DO UPDATE
        SET job_id = excluded.job_id, expires_at = excluded.expires_at
        WHERE taken.expires_at < now();
        IF NOT FOUND THEN
            SELECT taken.job_id INTO first_id
            FROM job_keys AS taken
            WHERE taken.organization_id = tenant AND taken.unique_key = enqueue_job.unique_key;
            RETURN first_id;
        END IF;
    END IF;
    INSERT INTO jobs (
        id, organization_id, kind, payload, priority, run_at, unique_key, max_attempts,
        timeout_seconds, requested_by
    )
    OVERRIDING SYSTEM VALUE
    VALUES (
        new_id, tenant, enqueue_job.kind, enqueue_job.payload::text, enqueue_job.priority,
        enqueue_job.run_at, enqueue_job.unique_key,
        coalesce(enqueue_job.max_attempts, CASE enqueue_job.kind WHEN 'webhook' THEN 10 ELSE 3 END),
        enqueue_job.timeout_seconds, 'application:' || session_user
    );
    RETURN new_id;
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

GRANT EXECUTE ON FUNCTION enqueue_job(text, jsonb, text, timestamptz, integer, text, integer, integer),
emit_event(text, text, jsonb, text, date) TO doclife_worker, doclife_application;
GRANT EXECUTE ON FUNCTION organization_id_of(text) TO doclife_worker, doclife_application;
