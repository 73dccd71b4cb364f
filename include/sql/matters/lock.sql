-- Be the only one to change a matter until the transaction ends; holds under its condition wait.
-- The lock comes before those on documents.
--   matter_id  bigint
SELECT id
FROM matters
WHERE id = %(matter_id)s
FOR NO KEY UPDATE;
