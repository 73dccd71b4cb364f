-- Let things have happened to the documents of a test of rules; always rolled back.
--   organization_id  bigint
--   events           jsonb  [{"document_id", "type", "occurred_on", "recorded_at", "withdrawn"}, ...] in the
--                           order they were emitted
INSERT INTO events (
    organization_id, type, document_id, occurred_on, recorded_at, actor, withdrawn_at,
    withdrawn_by, is_external
)
SELECT
    %(organization_id)s,
    listed.type,
    listed.document_id,
    listed.occurred_on,
    listed.recorded_at,
    'rules test',
    CASE WHEN listed.withdrawn THEN listed.recorded_at END,
    CASE WHEN listed.withdrawn THEN 'rules test' END,
    TRUE
FROM jsonb_array_elements(%(events)s) WITH ORDINALITY AS given (event, position)
CROSS JOIN LATERAL jsonb_to_record(given.event) AS listed (
    document_id bigint, type text, occurred_on date, recorded_at timestamptz, withdrawn boolean
)
ORDER BY given.position;
