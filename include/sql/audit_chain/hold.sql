-- Let nobody else append to any chain until this session says so (audit_chain/let_go): for a transaction that
-- reads as of an earlier moment and appends. Waits for those that are appending. In one order for everybody.
WITH chains AS MATERIALIZED (
    SELECT id
    FROM organizations
    ORDER BY id
)

SELECT pg_advisory_lock(hashtextextended('doclife audit chain', id))
FROM chains;
