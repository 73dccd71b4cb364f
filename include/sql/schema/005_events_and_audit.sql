-- What happened, what was done and why, and what is proof of it.

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL,
    type text NOT NULL,
    document_id bigint,
    subject text,
    payload jsonb NOT NULL DEFAULT '{}',
    -- The day it happened in the organization's zone: what a retention clock counts from.
    occurred_on date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    plan_id bigint,
    withdrawn_at timestamptz,
    withdrawn_by text,
    -- True for what an application emitted; only these start retention clocks and need the index.
    is_external boolean NOT NULL DEFAULT false,
    -- Whether whoever emitted it was allowed to start retention clocks then: an event emitted before
    -- any rule counts from its type must not start one later.
    may_start_clocks boolean NOT NULL DEFAULT true,
    CONSTRAINT an_event_has_a_type CHECK (type ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$'),
    CONSTRAINT an_event_happened_within_years_1_to_9999
    CHECK (occurred_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT an_event_has_a_subject CHECK (document_id IS NOT NULL OR subject IS NOT NULL)
);
CREATE INDEX events_that_start_clocks ON events (document_id, type, id) WHERE is_external;

-- What doclife itself tells of (domain/own_events.py, docs/events.md). Applications say other things.
CREATE FUNCTION own_event_types() RETURNS text []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ARRAY[
        'document.registered', 'document.changed', 'document.expiring', 'document.expired',
        'document.archived', 'document.original_removed', 'document.trashed', 'document.purged',
        'document.restore_requested', 'document.restored', 'document.held',
        'document.held_too_late', 'document.released', 'matter.opened', 'matter.changed',
        'matter.closed', 'plan.needs_approval', 'plan.approved', 'plan.rejected',
        'plan.superseded', 'plan.lapsed', 'plan.applied', 'plan.undone', 'breaker.tripped',
        'endpoint.disabled'
    ]
$$;
GRANT EXECUTE ON FUNCTION own_event_types() TO doclife_worker, doclife_reader;

-- Which rule version has reacted to which event, so that a dead process neither skips nor repeats.
CREATE TABLE event_reactions (
    event_id bigint NOT NULL REFERENCES events,
    rule_version_id bigint NOT NULL REFERENCES rule_versions,
    plan_id bigint REFERENCES plans,
    reacted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, rule_version_id)
);

CREATE TABLE audit_batches (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL,
    sequence bigint NOT NULL,
    entry_count integer NOT NULL,
    root bytea NOT NULL,
    previous_hash bytea,
    hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT batches_of_an_organization_are_numbered UNIQUE (organization_id, sequence)
);

CREATE TABLE audit_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    -- user:<name>, schedule, event or cli:<os user>; and rule:<name>@<version> where one decided.
    actor text NOT NULL,
    rule text,
    action text NOT NULL,
    document_id bigint,
    plan_id bigint,
    reason text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    batch_id bigint REFERENCES audit_batches,
    salt bytea,
    commitment bytea
);
CREATE INDEX audit_entries_by_document ON audit_entries (document_id, id)
WHERE document_id IS NOT NULL;
-- What people did. The night writes for each document that it changes, and pays for no index here.
CREATE INDEX audit_entries_by_person ON audit_entries (organization_id, actor, id)
WHERE actor <> 'schedule' AND actor <> 'event';
-- What belongs to one plan was written at one time, and so lies together.
CREATE INDEX audit_entries_by_plan ON audit_entries USING brin (plan_id)
WITH (pages_per_range = 32, autosummarize = on);
CREATE TRIGGER audit_entries_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_batches_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_batches
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE certificates (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    plan_id bigint NOT NULL REFERENCES plans,
    issued_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    merkle_root bytea NOT NULL,
    signature bytea NOT NULL,
    public_key bytea NOT NULL,
    CONSTRAINT a_purge_plan_has_one_certificate UNIQUE (plan_id)
);
CREATE TRIGGER certificates_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON certificates
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT INSERT ON events, event_reactions, audit_entries, audit_batches, certificates
TO doclife_worker;
GRANT UPDATE (withdrawn_at, withdrawn_by) ON events TO doclife_worker;
