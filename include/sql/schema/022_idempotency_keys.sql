-- What was answered to a write of the JSON API that carried an Idempotency-Key: who asks the same again
-- is given the same answer, and nothing is done twice.
CREATE TABLE idempotency_keys (
    -- Who asked; everybody has keys of their own.
    requested_by text NOT NULL,
    key text NOT NULL,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- SHA-256 of what was asked: the same key with something else is refused. NULL when the request
    -- was refused: the key is free.
    request_digest bytea,
    -- When the key was first used.
    created_at timestamptz NOT NULL,
    -- NULL while it is being done, and when whoever did it died.
    status smallint,
    media_type text,
    -- Without secrets.
    body bytea,
    PRIMARY KEY (requested_by, key),
    CONSTRAINT an_unfinished_request_has_no_answer CHECK (status IS NOT NULL OR body IS NULL),
    CONSTRAINT a_free_key_has_no_answer CHECK (request_digest IS NOT NULL OR status IS NULL),
    CONSTRAINT only_what_was_done_is_answered_again CHECK (status BETWEEN 200 AND 299)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

GRANT INSERT, UPDATE, DELETE ON idempotency_keys TO doclife_worker;
