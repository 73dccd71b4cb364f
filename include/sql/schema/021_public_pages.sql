-- What comes in from outside without a login: documents that were kept by the link of a warning, and
-- what mail services tell about mails. Links are sealed, not stored.

-- A link in a warning keeps its document once for the day that the rule found it due. A second call,
-- and the links of the other warnings, find the row and do nothing.
CREATE TABLE keepings (
    rule_id bigint NOT NULL REFERENCES rules,
    document_id bigint NOT NULL REFERENCES documents,
    due_on date NOT NULL,
    kept_until date NOT NULL,
    recipient text NOT NULL,
    kept_at timestamptz NOT NULL,
    PRIMARY KEY (rule_id, document_id, due_on)
);
CREATE INDEX keepings_by_document ON keepings (document_id);

-- What became of a mail after it was accepted, as its mail service tells.
CREATE TABLE delivery_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    job_id bigint NOT NULL,
    provider text NOT NULL,
    outcome text NOT NULL,
    -- The address will never take mail: it gets none any more.
    is_lasting boolean NOT NULL,
    address text NOT NULL,
    reason text,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    -- Services send an event again when in doubt, in any order, some under a new id.
    CONSTRAINT a_delivery_event_is_recorded_once UNIQUE (job_id, outcome, occurred_at),
    CONSTRAINT a_delivery_event_has_a_known_outcome
    CHECK (outcome IN ('delivered', 'bounced', 'complained'))
);
CREATE INDEX delivery_events_by_age ON delivery_events (received_at);
-- Whose warning a mail was.
CREATE INDEX notices_by_job ON notices (job_id) WHERE window_days IS NOT NULL AND job_id IS NOT NULL;

-- Mailgun signs a token and not the event: with a token that was used somebody could tell anything.
CREATE TABLE spent_event_tokens (
    token text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

GRANT INSERT ON keepings, delivery_events, spent_event_tokens TO doclife_worker;
GRANT DELETE ON delivery_events, spent_event_tokens TO doclife_worker;
