-- Certificates of destruction: what is kept of each purged document so that its destruction can be
-- certified and proven, and where a certificate was written to outside of this database.

-- One row per purged document, written in the transaction that leaves only its tombstone: a moment
-- later its title is gone and could not be hashed. Rows from before their plan's certificate is issued
-- are what it will list, in the order of documents.
CREATE TABLE certificate_items (
    plan_id bigint NOT NULL REFERENCES plans,
    document_id bigint NOT NULL REFERENCES documents,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- Random. Without it nobody can find out by guessing which title a hash was made of.
    salt bytea NOT NULL,
    -- SHA-256 of the salt, 'title:' and the title; NULL for a document without one.
    title_hash bytea,
    -- SHA-256 of the salt, 'external_id:' and the external id.
    external_id_hash bytea NOT NULL,
    document_type text,
    sha256 bytea,
    size_bytes bigint,
    -- The date of the document itself.
    dated_on date,
    trashed_at timestamptz NOT NULL,
    -- name@version of the rule that trashed it and what it rests on; NULL where somebody chose it.
    rule text,
    authority text,
    trashed_by text,
    reason text,
    -- What became of its bytes, by store: destroyed, found_gone, kept (others need the same bytes).
    contents jsonb NOT NULL,
    destroyed_at timestamptz NOT NULL,
    PRIMARY KEY (plan_id, document_id),
    CONSTRAINT a_salt_cannot_be_guessed CHECK (octet_length(salt) = 32)
);
CREATE INDEX certificate_items_by_document ON certificate_items (document_id);
CREATE TRIGGER certificate_items_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_items
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE INDEX certificates_by_organization ON certificates (organization_id, plan_id);

-- Where a certificate was written, so that it is not only here.
CREATE TABLE certificate_files (
    plan_id bigint PRIMARY KEY REFERENCES certificates (plan_id),
    organization_id bigint NOT NULL REFERENCES organizations,
    uri text NOT NULL,
    written_at timestamptz NOT NULL
);
CREATE TRIGGER certificate_files_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_files
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE stores ADD CONSTRAINT backups_expire_after_some_days
CHECK (backup_expires_after_days >= 0);

CREATE OR REPLACE FUNCTION own_event_types() RETURNS text []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ARRAY[
        'document.registered', 'document.changed', 'document.expiring', 'document.expired',
        'document.archived', 'document.original_removed', 'document.trashed', 'document.purged',
        'document.restore_requested', 'document.restored', 'document.held',
        'document.held_too_late', 'document.released', 'matter.opened', 'matter.changed',
        'matter.closed', 'plan.needs_approval', 'plan.approved', 'plan.rejected',
        'plan.superseded', 'plan.lapsed', 'plan.applied', 'plan.undone', 'breaker.tripped',
        'endpoint.disabled', 'certificate.issued'
    ]
$$;

GRANT INSERT ON certificate_items, certificate_files TO doclife_worker;
