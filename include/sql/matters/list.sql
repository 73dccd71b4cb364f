-- An organization's matters with what each holds, the open ones first, then the newest.
--   organization_id  bigint
--   with_closed      boolean
--   name             text     only this one; NULL for all
-- Documents that are free of the matter count as released, whatever else holds them.
SELECT
    matter.id,
    matter.name,
    matter.reason,
    matter.authority,
    matter.condition,
    matter.created_by,
    matter.created_at,
    matter.changed_by,
    matter.changed_at,
    matter.released_by,
    matter.released_at,
    matter.release_reason,
    coalesce(holds.held, 0) AS held,
    coalesce(holds.held_bytes, 0)::bigint AS held_bytes,
    coalesce(holds.unknown, 0) AS unknown,
    coalesce(holds.released, 0) AS released,
    coalesce(holds.too_late, 0) AS too_late
FROM matters AS matter
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE hold.released_at IS NULL AND hold.too_late_since IS NULL) AS held,
        sum(document.size_bytes)
        FILTER (WHERE hold.released_at IS NULL AND hold.too_late_since IS NULL) AS held_bytes,
        count(*) FILTER (
            WHERE hold.released_at IS NULL AND hold.too_late_since IS NULL AND hold.basis = 'unknown'
        ) AS unknown,
        count(*) FILTER (WHERE hold.released_at IS NOT NULL) AS released,
        count(*) FILTER (WHERE hold.released_at IS NULL AND hold.too_late_since IS NOT NULL)
        AS too_late
    FROM matter_documents AS hold
    INNER JOIN documents AS document ON hold.document_id = document.id
    WHERE hold.matter_id = matter.id
) AS holds ON TRUE
WHERE
    matter.organization_id = %(organization_id)s
    AND (%(with_closed)s OR matter.released_at IS NULL)
    AND (%(name)s::text IS NULL OR matter.name = %(name)s)
ORDER BY matter.released_at DESC NULLS FIRST, matter.created_at DESC, matter.id DESC;
