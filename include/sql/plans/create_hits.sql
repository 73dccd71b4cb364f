-- The working table of one planning transaction: what rules or a person want done tonight.
CREATE TEMP TABLE IF NOT EXISTS hits (
    plan_id bigint NOT NULL,
    rule_version_id bigint,
    document_id bigint NOT NULL,
    action_index smallint NOT NULL,
    action text NOT NULL,
    anchor_on date,
    retain_until date,
    due_on date,
    reason text NOT NULL
) ON COMMIT DELETE ROWS;
