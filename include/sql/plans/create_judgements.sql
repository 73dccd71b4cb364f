-- The working table of one transaction: what judging says of each document and action.
CREATE TEMP TABLE IF NOT EXISTS judgements (
    plan_id bigint NOT NULL,
    document_id bigint NOT NULL,
    action_index smallint NOT NULL,
    action text NOT NULL,
    rule_version_id bigint,
    anchor_on date,
    retain_until date,
    due_on date,
    shard integer NOT NULL,
    status_before text NOT NULL,
    document_version bigint NOT NULL,
    size_bytes bigint NOT NULL,
    is_reserving boolean NOT NULL,
    reason_code text,
    reason text NOT NULL,
    blocking_rule_version_id bigint
) ON COMMIT DELETE ROWS;
