-- The documents whose payloads lie in a bag: a payload is named by the id of its document.
--   bag_id  bigint
SELECT substring(uri FROM '[0-9]+$')::bigint AS document_id
FROM stored_objects
WHERE bag_id = %(bag_id)s AND removed_at IS NULL
ORDER BY 1;
