-- Find the documents that the rule protects from destruction for longer, for less, anew or no more.
--   organization_id       bigint
--   today                 date    in the organization's zone
--   {protections_before}  one version compiled over candidates
--   {protections_after}   the other
WITH candidates AS MATERIALIZED (
    SELECT document.id AS document_id
    FROM documents AS document
    WHERE
        document.organization_id = %(organization_id)s
        AND document.status IN ('active', 'archived', 'deleted')
),

before AS MATERIALIZED (
    SELECT
        protection.document_id,
        protection.retain_until
    FROM ({protections_before}) AS protection
    WHERE protection.retain_until >= %(today)s
),

after AS MATERIALIZED (
    SELECT
        protection.document_id,
        protection.retain_until
    FROM ({protections_after}) AS protection
    WHERE protection.retain_until >= %(today)s
)

INSERT INTO pg_temp.changes (document_id, action, kind, before_on, after_on)
SELECT
    coalesce(before.document_id, after.document_id),
    'RETAIN',
    CASE
        WHEN before.retain_until IS NULL THEN 'newly_retained'
        WHEN after.retain_until IS NULL THEN 'no_longer_retained'
        WHEN after.retain_until > before.retain_until THEN 'retained_longer'
        ELSE 'retained_shorter'
    END,
    before.retain_until AS before_on,
    after.retain_until AS after_on
FROM before
FULL JOIN after ON before.document_id = after.document_id
WHERE before.retain_until IS DISTINCT FROM after.retain_until;
