-- Collect what was done to documents, and what failed, for their owners and for the overview; for the
-- overview also what is kept back until a warning of it is delivered.
--   organization_id  bigint
--   since            timestamptz  the last digest; what was in that is left out
--   as_of            timestamptz  what ended later is in the next one
--   size             integer      rows that a reader is shown
INSERT INTO pg_temp.digest_rows (
    recipient, section, place, total, title, external_id, document_id, action, reason
)
SELECT
    ranked.recipient,
    ranked.section,
    ranked.place,
    ranked.total,
    ranked.title,
    ranked.external_id,
    ranked.document_id,
    ranked.action,
    ranked.reason
FROM (
    SELECT
        reader.recipient,
        item.action,
        document.title,
        document.external_id,
        document.id AS document_id,
        CASE item.state
            WHEN 'failed' THEN 'failed' WHEN 'skipped' THEN 'not_warned' ELSE 'done'
        END AS section,
        CASE WHEN item.state IN ('failed', 'skipped') THEN item.reason END AS reason,
        row_number() OVER (
            PARTITION BY reader.recipient, item.state
            ORDER BY
                item.finished_at DESC, document.id ASC, item.plan_id ASC, item.action_index ASC
        ) AS place,
        count(*) OVER (PARTITION BY reader.recipient, item.state) AS total
    FROM plans AS plan
    INNER JOIN plan_items AS item ON plan.id = item.plan_id
    INNER JOIN documents AS document ON item.document_id = document.id
    CROSS JOIN LATERAL (
        VALUES
        (''),
        (
            CASE
                WHEN document.owner ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$'
                    THEN lower(document.owner)
            END
        )
    ) AS reader (recipient)
    WHERE
        plan.organization_id = %(organization_id)s
        AND plan.mode = 'enforce'
        AND (
            (
                plan.state IN ('applying', 'applied')
                AND coalesce(plan.applied_at, 'infinity') > %(since)s
            )
            OR plan.created_at > %(since)s
        )
        AND item.finished_at > %(since)s
        AND item.finished_at <= %(as_of)s
        AND (
            item.state = 'failed'
            OR (
                item.state = 'skipped'
                AND item.reason_code = 'not_warned'
                AND reader.recipient = ''
            )
            OR (item.state = 'done' AND item.action IN ('ARCHIVE', 'DELETE', 'PURGE'))
        )
        AND reader.recipient IS NOT NULL
) AS ranked
WHERE ranked.place <= %(size)s;
