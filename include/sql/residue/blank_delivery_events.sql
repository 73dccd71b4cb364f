-- Forget to which address mails about purged documents went; what became of them stays.
UPDATE delivery_events AS told
SET address = '', reason = NULL
FROM notices AS notice
INNER JOIN purged_documents_to_sweep AS swept ON notice.document_id = swept.document_id
WHERE told.job_id = notice.job_id AND told.address <> '';
