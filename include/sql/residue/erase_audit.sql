-- Forget what the audit trail says in words about the batch's documents; that it was done, when, by which
-- rule and plan stays, and so does the chain.
--   organization_id  bigint
--   plan_id          bigint
--   actor            text
--   now              timestamptz
-- Returns how many entries were erased.
SELECT
    erase_audit_payload(
        %(organization_id)s::bigint,
        (SELECT array_agg(residue.document_id) FROM pg_temp.residue),
        %(actor)s,
        %(now)s,
        'went with the documents that were purged',
        plan => %(plan_id)s::bigint
    ) AS erased;
