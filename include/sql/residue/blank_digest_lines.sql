-- Empty the digests in the dashboard that name purged documents.
UPDATE notifications AS line
SET body = ''
FROM purged_documents_to_sweep AS swept
WHERE
    line.organization_id = swept.organization_id
    AND line.document_ids @> ARRAY[swept.document_id]
    AND line.body <> '';
