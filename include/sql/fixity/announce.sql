-- Tell of documents whose bytes are damaged, or as recorded again: an event and an audit entry each.
--   type        text      document.damaged or document.mended
--   now         timestamptz
--   actor       text
--   sound_ids   bigint[]  objects that were just seen to be as recorded
--   findings    jsonb     list of {object_id, kind: changed, missing or sound}
-- Returns document_id of each.
WITH found AS (
    SELECT
        document.id AS document_id,
        document.organization_id,
        finding.kind,
        CASE
            WHEN document.archived_object_id = finding.object_id THEN 'archived copy'
            ELSE 'original'
        END AS which,
        CASE
            WHEN document.archived_object_id = finding.object_id THEN document.stored_object_id
            ELSE document.archived_object_id
        END AS other_id
    FROM jsonb_to_recordset(%(findings)s) AS finding (object_id bigint, kind text)
    INNER JOIN documents AS document
        ON
            finding.object_id = document.stored_object_id
            OR finding.object_id = document.archived_object_id
),

told AS (
    SELECT
        found.document_id,
        found.organization_id,
        jsonb_strip_nulls(jsonb_build_object(
            'bytes', found.which,
            'found', found.kind,
            'has_sound_copy',
            CASE WHEN found.kind <> 'sound' THEN coalesce(found.other_id = ANY(%(sound_ids)s), false) END
        )) AS payload,
        'its ' || found.which || CASE found.kind
            WHEN 'changed' THEN ' is not what was recorded'
            WHEN 'missing' THEN ' is missing'
            ELSE ' is as recorded again'
        END || CASE
            WHEN found.kind <> 'sound' AND found.other_id = ANY(%(sound_ids)s)
                THEN '; its ' || CASE found.which WHEN 'original' THEN 'archived copy' ELSE 'original' END
                    || ' is sound'
            ELSE ''
        END AS reason
    FROM found
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, payload, occurred_on, recorded_at, actor
    )
    SELECT
        told.organization_id,
        %(type)s,
        told.document_id,
        told.payload,
        (%(now)s::timestamptz AT TIME ZONE organization.time_zone)::date,
        %(now)s,
        %(actor)s
    FROM told
    INNER JOIN organizations AS organization ON told.organization_id = organization.id
),

audited AS (
    INSERT INTO audit_entries (
        organization_id, at, actor, action, document_id, reason, details
    )
    SELECT
        told.organization_id,
        %(now)s,
        %(actor)s,
        %(type)s,
        told.document_id,
        told.reason,
        told.payload
    FROM told
)

SELECT DISTINCT told.document_id
FROM told
ORDER BY told.document_id;
