-- Collect what the coming night will archive or delete, from the forecast, for the owners and for
-- the overview. Empty as long as the forecast was not built. What another rule retains, has a
-- reprieve, is held, or waits for a warning to be delivered is not announced: it stays.
--   organization_id  bigint
--   today            date
--   required         jsonb    objects: version_id and warn_before (interval[]) of the rules that
--                             delete nothing without a delivered warning
--   size             integer  rows that a reader is shown
INSERT INTO pg_temp.digest_rows (
    recipient, section, place, total, title, external_id, document_id, on_day, action
)
SELECT
    ranked.recipient,
    'tonight',
    ranked.place,
    ranked.total,
    ranked.title,
    ranked.external_id,
    ranked.document_id,
    ranked.goes_on,
    ranked.action
FROM (
    SELECT
        reader.recipient,
        document.title,
        document.external_id,
        document.id AS document_id,
        disposition.goes_on,
        disposition.action,
        row_number() OVER (
            PARTITION BY reader.recipient
            ORDER BY disposition.goes_on, document.id, disposition.action
        ) AS place,
        count(*) OVER (PARTITION BY reader.recipient) AS total
    FROM rules AS rule
    INNER JOIN rule_versions AS version ON rule.current_version_id = version.id
    INNER JOIN dispositions AS disposition ON version.id = disposition.rule_version_id
    INNER JOIN documents AS document ON disposition.document_id = document.id
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
        rule.organization_id = %(organization_id)s
        AND rule.removed_at IS NULL
        AND version.mode = 'enforce'
        AND disposition.action IN ('ARCHIVE', 'DELETE')
        AND NOT disposition.is_outranked
        AND disposition.goes_on BETWEEN %(today)s AND %(today)s + 1
        -- Nothing goes before it is due, and that is indexed.
        AND disposition.organization_id = %(organization_id)s
        AND disposition.due_on <= %(today)s + 1
        AND document.status IN ('active', 'archived')
        AND document.hold_count = 0
        AND reader.recipient IS NOT NULL
        AND NOT EXISTS (
            SELECT
            FROM jsonb_to_recordset(%(required)s) AS careful (
                version_id bigint, warn_before interval []
            )
            CROSS JOIN LATERAL missing_warning(
                rule.id,
                document.id,
                disposition.goes_on,
                careful.warn_before,
                %(today)s + 1,
                %(today)s + interval '1 day'
            ) AS told
            WHERE
                version.id = careful.version_id
                AND disposition.action = 'DELETE'
                AND told.missing IS NOT NULL
        )
) AS ranked
WHERE ranked.place <= %(size)s;
