-- Note which documents of a part of the catalogue some conditions do not let go. Documents that are
-- held under that matter already are left out; so are tombstones, of which nothing is known.
--   organization_id  bigint
--   after_id         bigint
--   through_id       bigint
--   holds_released   boolean  also those that were released from the matter before
--   {catches}        compiled conditions over candidates: matter_id, document_id, basis
WITH candidates AS (
    SELECT id AS document_id
    FROM documents
    WHERE
        organization_id = %(organization_id)s
        AND id > %(after_id)s
        AND id <= %(through_id)s
        AND status <> 'purged'
)

INSERT INTO pg_temp.caught (matter_id, document_id, basis)
SELECT
    caught.matter_id,
    caught.document_id,
    caught.basis
FROM ({catches}) AS caught
WHERE NOT EXISTS (
    SELECT FROM matter_documents AS known
    WHERE
        known.matter_id = caught.matter_id
        AND known.document_id = caught.document_id
        AND (known.released_at IS NULL OR NOT %(holds_released)s)
);
