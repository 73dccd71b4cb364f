-- The working table of one transaction: which documents are to be held, under which matter, and why.
CREATE TEMP TABLE IF NOT EXISTS caught (
    matter_id bigint NOT NULL,
    document_id bigint NOT NULL,
    basis text NOT NULL
) ON COMMIT DELETE ROWS;
