-- What a certificate lists, in its order.
--   plan_id  bigint
SELECT
    document_id,
    salt,
    title_hash,
    external_id_hash,
    document_type,
    sha256,
    size_bytes,
    dated_on,
    trashed_at,
    rule,
    authority,
    trashed_by,
    reason,
    contents,
    destroyed_at
FROM certificate_items
WHERE plan_id = %(plan_id)s
ORDER BY document_id;
