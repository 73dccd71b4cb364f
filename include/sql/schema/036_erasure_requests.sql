-- Erasure at once, because a person asks for it or because a restored database has again what was
-- destroyed; and the list of what was destroyed that such a database is told by. docs/erasure.md.

-- A plan of kind erasure destroys without grace, so somebody else always looks at it first: whoever
-- stores one, it needs an approval, and approvals once needed stay needed (guard_plan_facts).
ALTER TABLE plans DROP CONSTRAINT a_plan_has_a_known_kind;
ALTER TABLE plans ADD CONSTRAINT a_plan_has_a_known_kind
CHECK (kind IN ('rule', 'selection', 'purge', 'originals', 'erasure'));
ALTER TABLE plans ADD CONSTRAINT an_erasure_is_always_approved
CHECK (kind <> 'erasure' OR required_stages >= 1);
CREATE FUNCTION require_approval_of_erasure() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.required_stages := greatest(NEW.required_stages, 1);
    RETURN NEW;
END
$$;
CREATE TRIGGER require_approval_of_erasure BEFORE INSERT ON plans
FOR EACH ROW WHEN (new.kind = 'erasure') EXECUTE FUNCTION require_approval_of_erasure();
GRANT EXECUTE ON FUNCTION require_approval_of_erasure() TO doclife_worker;

-- What a person asked for under GDPR article 17 or the like. Everything else names a request by its
-- number; when it is closed, the person goes from here, too.
CREATE TABLE erasure_requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- As documents name them: the owner, or the value of one of the metadata fields.
    person text,
    fields text [] NOT NULL DEFAULT '{}',
    -- SHA-256 of the deployment's salt and the person in small letters: who asks again is recognised.
    person_key text NOT NULL,
    -- The day on which the person must have an answer.
    due_on date NOT NULL,
    state text NOT NULL DEFAULT 'open',
    plan_id bigint REFERENCES plans,
    purge_plan_id bigint REFERENCES plans,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    -- At the end: documents of the person that were destroyed, and that were not.
    erased_count bigint,
    kept_count bigint,
    CONSTRAINT a_request_is_open_or_closed CHECK (state IN ('open', 'closed')),
    CONSTRAINT a_closed_request_names_nobody
    CHECK ((state = 'closed') = (person IS NULL) AND (state = 'closed') = (closed_at IS NOT NULL))
);
CREATE INDEX erasure_requests_by_organization ON erasure_requests (organization_id, id);
CREATE INDEX erasure_requests_that_are_open ON erasure_requests (organization_id, due_on)
WHERE state = 'open';
GRANT INSERT ON erasure_requests TO doclife_worker;
GRANT UPDATE (
    person, state, plan_id, purge_plan_id, closed_at, closed_by, erased_count, kept_count
) ON erasure_requests TO doclife_worker;
CREATE TRIGGER requests_are_closed_not_removed BEFORE DELETE OR TRUNCATE ON erasure_requests
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT enclose_table('erasure_requests');

-- Which files in the archive store say what was destroyed. A file that this database does not know was
-- written by a later state of it: then this one was restored, and has documents that were destroyed.
CREATE TABLE purge_manifests (
    uri text PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- NULL for one that was found in the store and replayed.
    plan_id bigint REFERENCES plans,
    document_count bigint NOT NULL,
    sha256 bytea NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX purge_manifests_by_plan ON purge_manifests (plan_id);
CREATE TRIGGER purge_manifests_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON purge_manifests
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT INSERT ON purge_manifests TO doclife_worker;
SELECT enclose_table('purge_manifests');

-- What a tombstone is called is no name for a document: it would be taken for destroyed.
CREATE FUNCTION refuse_name_of_tombstone() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'an external id does not begin with "purged:", as % does: destroyed documents are called so',
        quote_literal(left(NEW.external_id, 100))
        USING ERRCODE = 'check_violation',
        CONSTRAINT = 'a_document_is_not_called_like_a_tombstone';
END
$$;
CREATE TRIGGER refuse_name_of_tombstone BEFORE INSERT OR UPDATE OF external_id ON documents
FOR EACH ROW WHEN (starts_with(new.external_id, 'purged:'))
EXECUTE FUNCTION refuse_name_of_tombstone();
