-- The documents of a person, wherever they are: in use, archived, in the trash, or half destroyed.
--   organization_id  bigint
--   person           text    the owner, or the value of one of the fields; in whatever letters
--   fields           text[]  metadata keys
-- Returns document_id.
SELECT document.id AS document_id
FROM documents AS document
WHERE
    document.organization_id = %(organization_id)s
    AND document.status IN ('active', 'archived', 'deleted', 'purging')
    AND (
        lower(document.owner) = lower(%(person)s::text)
        OR EXISTS (
            SELECT
            FROM unnest(%(fields)s::text []) AS field (key)
            WHERE lower(document.metadata ->> field.key) = lower(%(person)s::text)
        )
    )
ORDER BY document.id;
