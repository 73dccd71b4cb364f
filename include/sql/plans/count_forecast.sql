-- What the last forecast of a rule version expected to be due by now; NULL when there is nothing to
-- drift from: it was never forecast, or it selects by age and the forecast was of an earlier day.
--   rule_version_id  bigint
--   today            date
SELECT
    CASE
        WHEN forecast.next_count IS NULL THEN (
            SELECT count(DISTINCT disposition.document_id)
            FROM dispositions AS disposition
            WHERE
                disposition.rule_version_id = %(rule_version_id)s
                AND disposition.action IN ('ARCHIVE', 'DELETE')
                AND disposition.goes_on <= %(today)s
                -- Nothing goes before it is due, and that is indexed.
                AND disposition.due_on <= %(today)s
                AND NOT disposition.is_held
        )
        WHEN %(today)s <= forecast.next_day THEN forecast.next_count
    END AS expected
FROM forecasts AS forecast
WHERE forecast.rule_version_id = %(rule_version_id)s;
