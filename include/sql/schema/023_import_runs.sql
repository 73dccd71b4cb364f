-- How far each import of documents has come, for the page that shows it: one row per run, changed with
-- every batch, never with every document.
CREATE TABLE import_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- Folder, prefix or manifest, as it was asked for.
    source text NOT NULL,
    requested_by text NOT NULL,
    started_at timestamptz NOT NULL,
    -- When everything was counted and reading began; NULL before.
    reading_at timestamptz,
    -- What there is to read; NULL until it is counted.
    file_count bigint,
    total_bytes bigint,
    -- What is in the catalogue by now, or was there before.
    done_count bigint NOT NULL DEFAULT 0,
    done_bytes bigint NOT NULL DEFAULT 0,
    new_count bigint NOT NULL DEFAULT 0,
    changed_count bigint NOT NULL DEFAULT 0,
    -- Files that were not imported; known at the end.
    refused_count bigint,
    -- NULL while it runs, and for good when it was killed: then its session's lock is gone too.
    finished_at timestamptz,
    -- What ended it before its end.
    error text,
    CONSTRAINT what_is_read_was_counted
    CHECK ((reading_at IS NULL) = (file_count IS NULL) AND (file_count IS NULL) = (total_bytes IS NULL)),
    CONSTRAINT only_an_ended_import_has_an_error CHECK (error IS NULL OR finished_at IS NOT NULL)
);
CREATE INDEX import_runs_by_organization ON import_runs (organization_id, id);

GRANT INSERT, UPDATE, DELETE ON import_runs TO doclife_worker;
