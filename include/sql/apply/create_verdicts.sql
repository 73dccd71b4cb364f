-- The working table of one batch: what may be done to each of its documents.
CREATE TEMP TABLE IF NOT EXISTS verdicts (
    document_id bigint PRIMARY KEY,
    verdict text NOT NULL,
    reason text NOT NULL
) ON COMMIT DELETE ROWS;
