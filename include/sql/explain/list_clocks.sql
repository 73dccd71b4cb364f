-- How the clock of every rule runs for one document.
--   {clocks}  compiled rules: one row each
SELECT
    found.rule_version_id,
    found.is_met,
    found.anchor_read,
    found.anchor_on,
    found.cutoff_on,
    found.retain_until,
    found.protected_until,
    found.due_on
FROM ({clocks}) AS found;
