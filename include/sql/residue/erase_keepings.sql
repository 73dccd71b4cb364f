-- Forget who kept the batch's documents by the link of a warning.
UPDATE keepings AS keeping
SET recipient = ''
FROM pg_temp.residue
WHERE keeping.document_id = residue.document_id AND keeping.recipient <> '';
