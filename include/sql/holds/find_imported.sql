-- Note which documents of an import's batch an open matter's condition does not let go.
--   organization_id  bigint
--   {catches}        compiled conditions over candidates: matter_id, document_id, basis
WITH candidates AS MATERIALIZED (
    SELECT document.id AS document_id
    FROM pg_temp.import_rows AS row
    INNER JOIN documents AS document
        ON
            document.organization_id = %(organization_id)s
            AND row.external_id = document.external_id
    WHERE row.outcome IN ('new', 'changed')
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
