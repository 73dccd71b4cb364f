-- Forget what applications said about the batch's documents; that it happened, and when, stays.
UPDATE events AS event
SET payload = '{}'
FROM pg_temp.residue
WHERE
    event.document_id = residue.document_id
    AND event.is_external
    AND event.payload <> '{}';
