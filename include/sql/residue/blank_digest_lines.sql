-- Empty the digests in the dashboard that name purged documents.
UPDATE notifications AS line
SET title = 'About documents of which some were destroyed', body = ''
FROM purged_documents_to_sweep AS swept
WHERE
    line.organization_id = swept.organization_id
    AND line.document_ids @> ARRAY[swept.document_id]
    AND (line.title, line.body)
    IS DISTINCT FROM ('About documents of which some were destroyed', '');
