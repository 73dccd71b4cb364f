-- The working table of one transaction: what a new version of a rule makes of each document.
CREATE TEMP TABLE IF NOT EXISTS changes (
    document_id bigint NOT NULL,
    action text NOT NULL,
    kind text NOT NULL,
    before_on date,
    after_on date
) ON COMMIT DELETE ROWS;
