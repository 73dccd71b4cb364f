-- What the audit trail says of documents, for the PREMIS file of a bag: the first entry of each, which
-- is mostly how it came in, and the newest ones. Bounded: a document that changes daily for years
-- must not make a file of its bag that nobody can read.
--   document_ids  bigint[]
--   most          integer   entries per document besides the first
-- In the order of documents and of what was done.
WITH numbered AS (
    SELECT
        entry.id AS entry_id,
        document.id AS document_id,
        entry.at,
        entry.actor,
        entry.rule,
        entry.action,
        entry.plan_id,
        row_number() OVER (PARTITION BY document.id ORDER BY entry.id) AS from_first,
        row_number() OVER (PARTITION BY document.id ORDER BY entry.id DESC) AS from_last
    FROM unnest(%(document_ids)s::bigint []) AS document (id)
    INNER JOIN audit_entries AS entry ON document.id = entry.document_id
)

SELECT
    entry_id,
    document_id,
    at,
    actor,
    rule,
    action,
    plan_id
FROM numbered
WHERE from_first = 1 OR from_last <= %(most)s
ORDER BY document_id, entry_id;
