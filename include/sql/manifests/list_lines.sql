-- What a plan has destroyed, as its manifest says it: no names, and what tells a document again.
--   plan_id  bigint
-- Returns document_id, key (of its external id), sha256 (hexadecimal, or NULL), size_bytes, purged_at.
SELECT
    item.document_id,
    document.external_id AS key,
    encode(item.sha256, 'hex') AS sha256,
    item.size_bytes,
    document.purged_at
FROM certificate_items AS item
INNER JOIN documents AS document ON item.document_id = document.id
WHERE item.plan_id = %(plan_id)s AND document.status = 'purged'
ORDER BY item.document_id;
