-- Call those documents swept that no waiting message names any more: what is being sent, or a digest
-- that waits for its morning, is looked at again by the next sweep.
--   document_ids  bigint[]  those whose reports were read
DELETE FROM purged_documents_to_sweep AS swept
WHERE
    swept.document_id = ANY(%(document_ids)s::bigint [])
    AND NOT EXISTS (
        SELECT
        FROM pg_temp.named AS named
        WHERE named.document_id = swept.document_id AND named.place = 'jobs'
    );
