-- Find the documents whose action falls due on another day, or no longer, or only now.
--   today          date  in the organization's zone
--   {hits_before}  one version compiled up to any known due date
--   {hits_after}   the other
WITH before AS MATERIALIZED (
    SELECT
        hit.document_id,
        hit.action,
        min(hit.due_on) AS due_on
    FROM ({hits_before}) AS hit
    WHERE hit.matched
    GROUP BY hit.document_id, hit.action
),

after AS MATERIALIZED (
    SELECT
        hit.document_id,
        hit.action,
        min(hit.due_on) AS due_on
    FROM ({hits_after}) AS hit
    WHERE hit.matched
    GROUP BY hit.document_id, hit.action
)

INSERT INTO pg_temp.changes (document_id, action, kind, before_on, after_on)
SELECT
    coalesce(before.document_id, after.document_id),
    coalesce(before.action, after.action),
    CASE
        WHEN after.due_on <= %(today)s THEN 'newly_due'
        WHEN before.due_on <= %(today)s THEN 'no_longer_due'
        WHEN before.due_on IS NULL THEN 'newly_scheduled'
        WHEN after.due_on IS NULL THEN 'no_longer_scheduled'
        WHEN after.due_on < before.due_on THEN 'earlier'
        ELSE 'later'
    END,
    before.due_on AS before_on,
    after.due_on AS after_on
FROM before
FULL JOIN after ON before.document_id = after.document_id AND before.action = after.action
WHERE
    before.due_on IS DISTINCT FROM after.due_on
    -- What is due with both is due, whatever the day was.
    AND (before.due_on <= %(today)s AND after.due_on <= %(today)s) IS NOT TRUE;
