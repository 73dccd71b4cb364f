-- The limits that count every organization and path together.
-- Returns one row: max_documents_per_day integer, max_fraction_per_day numeric.
SELECT
    max_documents_per_day,
    max_fraction_per_day
FROM deployment;
