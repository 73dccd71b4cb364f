-- Forget requests for documents that are restored by now, or that something else has happened to.
DELETE FROM restore_requests AS request
USING documents AS document
WHERE document.id = request.document_id AND document.status <> 'archived';
