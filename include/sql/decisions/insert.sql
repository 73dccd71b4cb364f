-- Record what was decided about a plan as a whole.
--   plan_id         bigint
--   stage           integer
--   decision        text
--   extend_until    date         with extend
--   decided_by      text
--   now             timestamptz
--   comment         text
--   invalid_reason  text         why it does not count; NULL when it does
INSERT INTO plan_decisions (
    plan_id, stage, decision, extend_until, decided_by, decided_at, comment, is_valid,
    invalid_reason
)
VALUES (
    %(plan_id)s,
    %(stage)s,
    %(decision)s,
    %(extend_until)s,
    %(decided_by)s,
    %(now)s,
    %(comment)s,
    %(invalid_reason)s::text IS NULL,
    %(invalid_reason)s
);
