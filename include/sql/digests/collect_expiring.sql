-- Collect the documents that expire soon, for their owners and for the overview.
--   organization_id  bigint
--   today            date
--   days             integer  how far ahead
--   size             integer  rows that a reader is shown
INSERT INTO pg_temp.digest_rows (
    recipient, section, place, total, title, external_id, document_id, on_day
)
SELECT
    ranked.recipient,
    'expiring',
    ranked.place,
    ranked.total,
    ranked.title,
    ranked.external_id,
    ranked.document_id,
    ranked.expires_on
FROM (
    SELECT
        reader.recipient,
        document.title,
        document.external_id,
        document.id AS document_id,
        document.expires_on,
        row_number() OVER (
            PARTITION BY reader.recipient ORDER BY document.expires_on, document.id
        ) AS place,
        count(*) OVER (PARTITION BY reader.recipient) AS total
    FROM documents AS document
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
        document.organization_id = %(organization_id)s
        AND document.expires_on BETWEEN %(today)s AND %(today)s + %(days)s
        AND document.status IN ('active', 'archived')
        AND reader.recipient IS NOT NULL
) AS ranked
WHERE ranked.place <= %(size)s;
