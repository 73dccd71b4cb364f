-- The working table of one transaction: what an organization's rules will do, before it is compared
-- with the forecast that is stored.
CREATE TEMP TABLE IF NOT EXISTS foreseen (
    document_id bigint NOT NULL,
    rule_version_id bigint NOT NULL,
    action_index smallint NOT NULL,
    action text NOT NULL,
    anchor_on date,
    retain_until date,
    due_on date,
    goes_on date,
    protecting_rule_version_id bigint,
    is_outranked boolean NOT NULL DEFAULT FALSE,
    is_held boolean NOT NULL,
    size_bytes bigint NOT NULL
) ON COMMIT DELETE ROWS;
