-- Every comparison of every rule for one document, answered by the compiler's own SQL.
--   {answers}  compiled rules: rule_version_id, position, actual, is_met
-- Returns them rule by rule in the order written; is_met NULL is unknown.
SELECT
    found.rule_version_id,
    found.position,
    found.actual,
    found.is_met
FROM ({answers}) AS found
ORDER BY found.rule_version_id, found.position;
