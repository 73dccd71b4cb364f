-- The working table of a sweep: which stored messages name purged documents.
CREATE TEMP TABLE IF NOT EXISTS named (
    document_id bigint NOT NULL,
    job_id bigint NOT NULL,
    -- jobs, failed or history
    place text NOT NULL,
    kind text NOT NULL,
    is_digest boolean NOT NULL
) ON COMMIT DELETE ROWS;
