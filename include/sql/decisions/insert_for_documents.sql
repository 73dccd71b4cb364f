-- Record what was decided about single documents of a plan.
--   plan_id       bigint
--   stage         integer
--   document_ids  bigint[]
--   decision      text
--   extend_until  date         with extend
--   decided_by    text
--   now           timestamptz
--   comment       text
INSERT INTO plan_decisions (
    plan_id, document_id, stage, decision, extend_until, decided_by, decided_at, comment
)
SELECT
    %(plan_id)s,
    chosen.document_id,
    %(stage)s,
    %(decision)s,
    %(extend_until)s,
    %(decided_by)s,
    %(now)s,
    %(comment)s
FROM unnest(%(document_ids)s::bigint []) AS chosen (document_id);
