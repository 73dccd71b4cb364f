-- What a plan destroyed, by type of document and the rule and authority that it rests on.
--   plan_id  bigint
SELECT
    document_type,
    rule,
    authority,
    count(*) AS documents,
    coalesce(sum(size_bytes), 0)::bigint AS size_bytes,
    min(dated_on) AS dated_from,
    max(dated_on) AS dated_to,
    count(*) FILTER (WHERE dated_on IS NULL) AS undated,
    min(destroyed_at) AS destroyed_from,
    max(destroyed_at) AS destroyed_to
FROM certificate_items
WHERE plan_id = %(plan_id)s
GROUP BY document_type, rule, authority
ORDER BY document_type NULLS LAST, rule NULLS LAST, authority NULLS LAST;
