-- Give back the documents of plans that will not be applied any more.
--   plan_ids  bigint[]
--   code      text         superseded, lapsed, rejected, stale
--   reason    text         the sentence for people
--   now       timestamptz
UPDATE plan_items
SET state = 'skipped', reason_code = %(code)s, reason = %(reason)s, finished_at = %(now)s
WHERE plan_id = ANY(%(plan_ids)s::bigint []) AND state = 'planned';
