-- Forget whom warnings about the batch's documents went to; that they were sent stays.
UPDATE notices AS notice
SET recipient = NULL
FROM pg_temp.residue
WHERE notice.document_id = residue.document_id AND notice.recipient IS NOT NULL;
