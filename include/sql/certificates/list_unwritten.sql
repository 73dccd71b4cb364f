-- The certificates that were not written into a store yet, oldest first.
-- Returns plan_id bigint.
SELECT issued.plan_id
FROM certificates AS issued
WHERE NOT EXISTS (SELECT FROM certificate_files AS file WHERE file.plan_id = issued.plan_id)
ORDER BY issued.plan_id;
