-- What the last rebuild of dispositions expected to be due by now for a rule; NULL when its present
-- version was never forecast, for then there is nothing to drift from.
--   rule_version_id  bigint
--   today            date
SELECT
    CASE
        WHEN count(*) > 0 THEN count(*) FILTER (WHERE due_on <= %(today)s)
    END AS expected
FROM dispositions
WHERE rule_version_id = %(rule_version_id)s AND action IN ('ARCHIVE', 'DELETE');
