-- How many documents a rule is about, and how often a value that it asks for is missing.
--   {counts}  compiled rule (domain/value_count)
-- Result: documents bigint, concerned bigint (true or unknown), missing bigint[] (per field).
SELECT
    counted.documents,
    counted.concerned,
    counted.missing
FROM ({counts}) AS counted;
