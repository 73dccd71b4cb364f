-- What judging in this transaction says, by action and reason: NULL is done.
SELECT
    judged.action,
    judged.reason_code,
    count(*) AS documents,
    sum(judged.size_bytes)::bigint AS size_bytes
FROM pg_temp.judgements AS judged
GROUP BY judged.action, judged.reason_code
ORDER BY judged.action, judged.reason_code NULLS FIRST;
