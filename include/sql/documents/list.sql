-- A page of an organization's documents, in the order of their external ids.
--   organization_id  bigint
--   status           text     only this status; NULL for all
--   document_type    text     only this type; NULL for all
--   owner            text     only this owner's; NULL for all
--   tag              text     only those with this tag; NULL for all
--   search           text     only those whose title or external id contains this; NULL for all
--   expires_before   date     only those that expire before this day; NULL for all
--   is_held          boolean  only those under legal hold (or not); NULL for all
--   after            text     only external ids after this one; NULL to begin
--   through          text     only external ids up to this one; NULL for no end
--   external_id      text     only this external id; NULL for all
--   without          text     not this external id; NULL for all
--   size             integer
SELECT
    document.id AS document_id,
    document.external_id,
    document.title,
    document.document_type,
    document.owner,
    document.tags,
    document.status,
    document.hold_count,
    document.size_bytes,
    document.expires_on,
    document.expired_at,
    document.purge_after
FROM documents AS document
WHERE
    document.organization_id = %(organization_id)s
    AND (%(status)s::text IS NULL OR document.status = %(status)s)
    AND (%(document_type)s::text IS NULL OR document.document_type = %(document_type)s)
    AND (%(owner)s::text IS NULL OR document.owner = %(owner)s)
    AND (%(tag)s::text IS NULL OR document.tags @> ARRAY[%(tag)s::text])
    AND (
        %(search)s::text IS NULL
        OR strpos(lower(document.title), lower(%(search)s)) > 0
        OR strpos(lower(document.external_id), lower(%(search)s)) > 0
    )
    AND (%(expires_before)s::date IS NULL OR document.expires_on < %(expires_before)s)
    AND (%(is_held)s::boolean IS NULL OR (document.hold_count > 0) = %(is_held)s)
    AND (%(after)s::text IS NULL OR document.external_id > %(after)s)
    AND (%(through)s::text IS NULL OR document.external_id <= %(through)s)
    AND (%(external_id)s::text IS NULL OR document.external_id = %(external_id)s)
    AND (%(without)s::text IS NULL OR document.external_id <> %(without)s)
ORDER BY document.external_id
LIMIT %(size)s;
