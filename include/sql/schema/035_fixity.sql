-- When bytes were last seen to be the recorded ones, and which are not.

-- NULL: never since they were registered. A new reference does not touch these columns, so counting
-- references stays a change that no index hears of.
ALTER TABLE stored_objects
ADD COLUMN fixity_checked_at timestamptz,
-- 'nobody': they lie in a cold tier whose provider keeps no SHA-256 of them.
ADD COLUMN fixity_by text CONSTRAINT fixity_is_known_by_reading_or_from_the_provider
CHECK (fixity_by IN ('read', 'provider', 'nobody'));
CREATE INDEX stored_objects_by_fixity
ON stored_objects (coalesce(fixity_checked_at, '-infinity'::timestamptz), id)
WHERE removed_at IS NULL;
GRANT UPDATE (fixity_checked_at, fixity_by) ON stored_objects TO doclife_worker;

-- How many bytes one check may read. Ten gigabytes a week are one in a hundred of a terabyte, take
-- some minutes of a disk, and cost little where reading is paid for.
ALTER TABLE deployment
ADD COLUMN fixity_budget_bytes bigint NOT NULL DEFAULT 10000000000
CONSTRAINT a_fixity_budget_is_not_negative CHECK (fixity_budget_bytes >= 0);
GRANT SELECT (fixity_budget_bytes) ON deployment TO doclife_reader;

-- One check of the sample: of the deployment, like the stores.
CREATE TABLE fixity_checks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dag_id text NOT NULL,
    run_id text NOT NULL,
    actor text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    budget_bytes bigint NOT NULL,
    object_count bigint NOT NULL DEFAULT 0,
    byte_count bigint NOT NULL DEFAULT 0,
    damaged_count bigint NOT NULL DEFAULT 0,
    mended_count bigint NOT NULL DEFAULT 0,
    -- Of the objects: what could not be said, because nobody may read a cold tier for it.
    cold_count bigint NOT NULL DEFAULT 0,
    CONSTRAINT a_run_checks_fixity_once UNIQUE (dag_id, run_id)
);
GRANT INSERT ON fixity_checks TO doclife_worker;
GRANT UPDATE (ended_at, object_count, byte_count, damaged_count, mended_count, cold_count)
ON fixity_checks TO doclife_worker;

-- Bytes that were not the recorded ones when they were looked at, until they are again. No text: what
-- is said of a document must not outlive it.
CREATE TABLE fixity_damages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    object_id bigint NOT NULL REFERENCES stored_objects,
    kind text NOT NULL CONSTRAINT damage_is_of_a_known_kind CHECK (kind IN ('changed', 'missing')),
    found_bytes bigint,
    found_sha256 bytea,
    found_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    mended_at timestamptz
);
CREATE UNIQUE INDEX bytes_are_damaged_once ON fixity_damages (object_id) WHERE mended_at IS NULL;
GRANT INSERT ON fixity_damages TO doclife_worker;
GRANT UPDATE (kind, found_bytes, found_sha256, seen_at, mended_at) ON fixity_damages TO doclife_worker;

CREATE OR REPLACE FUNCTION own_event_types() RETURNS text []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ARRAY[
        'document.registered', 'document.changed', 'document.expiring', 'document.expired',
        'document.archived', 'document.original_removed', 'document.trashed', 'document.purged',
        'document.restore_requested', 'document.restored', 'document.held',
        'document.held_too_late', 'document.released', 'document.damaged', 'document.mended',
        'matter.opened', 'matter.changed',
        'matter.closed', 'plan.needs_approval', 'plan.approved', 'plan.rejected',
        'plan.superseded', 'plan.lapsed', 'plan.applied', 'plan.undone', 'breaker.tripped',
        'endpoint.disabled', 'certificate.issued', 'audit.head_signed'
    ]
$$;

SELECT enclose_table('fixity_checks', '(SELECT bound_organizations()) IS NULL');
SELECT enclose_table(
    'fixity_damages', 'EXISTS (SELECT FROM stored_objects AS object WHERE object.id = object_id)'
);
