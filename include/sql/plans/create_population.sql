-- The working table of one transaction: how many documents each organization has.
CREATE TEMP TABLE IF NOT EXISTS population (
    organization_id bigint PRIMARY KEY,
    documents bigint NOT NULL
) ON COMMIT DELETE ROWS;
