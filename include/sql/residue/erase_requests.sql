-- Forget that anybody waited for the batch's documents to come back from a cold store.
DELETE FROM restore_requests AS request
USING pg_temp.residue
WHERE request.document_id = residue.document_id;
