-- Let nobody else append to any chain until this transaction ends: for one that reads as of an earlier moment and
-- appends. Waits for those that are appending, and reads nothing: what it reads is as of a moment after.
LOCK TABLE audit_chains IN EXCLUSIVE MODE;
