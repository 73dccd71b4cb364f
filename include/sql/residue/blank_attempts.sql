-- Forget what was answered to messages about purged documents; how each attempt ended stays.
UPDATE delivery_attempts AS attempt
SET answer_head = NULL, error = NULL
FROM (
    SELECT job_id FROM pg_temp.named
    UNION
    SELECT notice.job_id
    FROM notices AS notice
    INNER JOIN purged_documents_to_sweep AS swept ON notice.document_id = swept.document_id
    WHERE notice.job_id IS NOT NULL
) AS told
WHERE
    attempt.job_id = told.job_id
    AND (attempt.answer_head IS NOT NULL OR attempt.error IS NOT NULL);
