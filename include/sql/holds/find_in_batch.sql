-- Note which of some documents an open matter's condition does not let go.
--   document_ids  bigint[]
--   {catches}     compiled conditions over candidates: matter_id, document_id, basis
WITH candidates AS MATERIALIZED (
    SELECT unnest(%(document_ids)s::bigint []) AS document_id
)

INSERT INTO pg_temp.caught (matter_id, document_id, basis)
SELECT
    caught.matter_id,
    caught.document_id,
    caught.basis
FROM ({catches}) AS caught
WHERE NOT EXISTS (
    SELECT FROM matter_documents AS known
    WHERE known.matter_id = caught.matter_id AND known.document_id = caught.document_id
);
