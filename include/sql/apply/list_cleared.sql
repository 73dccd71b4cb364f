-- The documents of the judged batch that nothing speaks against.
SELECT document_id
FROM pg_temp.verdicts
WHERE verdict = 'go'
ORDER BY document_id;
