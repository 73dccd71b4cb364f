-- Give back what audit_chain/hold took.
SELECT pg_advisory_unlock(hashtextextended('doclife audit chain', id))
FROM organizations;
