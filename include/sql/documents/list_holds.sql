-- The legal holds a document is or was under, the newest first.
--   document_id  bigint
SELECT
    matter.name AS matter,
    matter.reason,
    matter.authority,
    hold.added_by,
    hold.added_at,
    hold.released_by,
    hold.released_at,
    hold.too_late_since
FROM matter_documents AS hold
INNER JOIN matters AS matter ON hold.matter_id = matter.id
WHERE hold.document_id = %(document_id)s
ORDER BY hold.added_at DESC, matter.name ASC;
