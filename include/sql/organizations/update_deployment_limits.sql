-- Change the limits of the deployment; NULL leaves one as it is.
--   max_documents_per_day  integer
--   max_fraction_per_day   numeric
-- Returns one row with both as they are now.
UPDATE deployment
SET
    max_documents_per_day = coalesce(%(max_documents_per_day)s, max_documents_per_day),
    max_fraction_per_day = coalesce(%(max_fraction_per_day)s, max_fraction_per_day)
RETURNING max_documents_per_day, max_fraction_per_day;
