-- Documents whose bytes were asked for from a cold store: they are restored once those can be read.
CREATE TABLE restore_requests (
    document_id bigint PRIMARY KEY REFERENCES documents,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- The plan that is being undone; NULL for a document that a person named.
    plan_id bigint REFERENCES plans,
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    reason text NOT NULL
);

GRANT INSERT, DELETE ON restore_requests TO doclife_worker;
