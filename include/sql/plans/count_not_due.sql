-- How many documents a rule has selected of which nothing is due yet, and when the first of them is.
--   today  date  in the organization's zone
--   {hits}       compiled rule up to any known due date
-- Returns one row: documents, first_on (NULL: there is none, or no day is known).
SELECT
    count(*) AS documents,
    min(ahead.due_on) AS first_on
FROM (
    SELECT
        hit.document_id,
        min(nullif(hit.due_on, 'infinity')) AS due_on
    FROM ({hits}) AS hit
    WHERE hit.matched
    GROUP BY hit.document_id
    HAVING min(hit.due_on) > %(today)s
) AS ahead;
