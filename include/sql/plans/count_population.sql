-- Count the documents that fractions are fractions of: once per transaction, in the transaction that
-- stores what is judged by it. A second call finds them counted and does not look at the catalogue.
INSERT INTO pg_temp.population (organization_id, documents)
SELECT
    document.organization_id,
    count(*)
FROM documents AS document
WHERE document.status <> 'purged' AND NOT EXISTS (SELECT FROM pg_temp.population)
GROUP BY document.organization_id;
