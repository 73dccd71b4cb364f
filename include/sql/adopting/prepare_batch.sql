-- What a batch relies on in this transaction: rows that a policy hides are an error, not fewer
-- documents; and no plan made for an empty catalogue is kept while it grows to millions.
SELECT
    set_config('row_security', 'off', true),
    set_config('plan_cache_mode', 'force_custom_plan', true);
