-- The working table of one transaction: what a batch would come to for each chosen document.
CREATE TEMP TABLE IF NOT EXISTS batch_outcomes (
    document_id bigint PRIMARY KEY,
    -- NULL: it would be done.
    code text,
    reason text,
    blocking_rule text
) ON COMMIT DELETE ROWS;
