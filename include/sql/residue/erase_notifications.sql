-- Empty the lines of the dashboard that are about a document of the batch.
UPDATE notifications AS line
SET title = 'About a document that was destroyed', body = ''
FROM pg_temp.residue
WHERE
    line.document_id = residue.document_id
    AND (line.title, line.body) IS DISTINCT FROM ('About a document that was destroyed', '');
