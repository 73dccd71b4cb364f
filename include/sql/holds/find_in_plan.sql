-- Note which documents that a plan would destroy an open matter's condition does not let go.
--   {catches}  compiled conditions over candidates: matter_id, document_id, basis
WITH candidates AS MATERIALIZED (
    SELECT DISTINCT document_id
    FROM pg_temp.hits
    WHERE action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL')
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
