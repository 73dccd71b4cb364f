-- The working table of one transaction: which rule keeps which of the candidates, and until when.
CREATE TEMP TABLE IF NOT EXISTS protections (
    document_id bigint PRIMARY KEY,
    rule_version_id bigint NOT NULL,
    retain_until date NOT NULL
) ON COMMIT DELETE ROWS;
