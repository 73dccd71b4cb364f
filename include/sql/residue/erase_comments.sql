-- Forget what reviewers wrote about single documents of the batch; what they decided stays.
UPDATE plan_decisions AS decision
SET comment = NULL
FROM pg_temp.residue
INNER JOIN plan_items AS item ON residue.document_id = item.document_id
WHERE
    decision.plan_id = item.plan_id
    AND decision.document_id = residue.document_id
    AND decision.comment IS NOT NULL;
