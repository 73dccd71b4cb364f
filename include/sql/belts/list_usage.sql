-- What was destroyed in the last 24 hours or is reserved to be, by organization and rule.
--   now  timestamptz
-- Returns organization (short name), rule_id (NULL: no rule asked for it), is_purge, done, reserved,
-- frees_at (when the first of it falls out of the window).
SELECT
    organization.slug AS organization,
    recent.rule_id,
    recent.is_purge,
    sum(recent.done)::bigint AS done,
    sum(recent.reserved)::bigint AS reserved,
    min(recent.frees_at) AS frees_at
FROM destruction_in_window(%(now)s) AS recent
INNER JOIN organizations AS organization ON recent.organization_id = organization.id
GROUP BY organization.slug, recent.rule_id, recent.is_purge;
