-- Read all of this transaction as of one moment: a row that changed after it was read must not go
-- over what its trigger wrote since. The first statement of the transaction.
SET LOCAL transaction_isolation = 'repeatable read';
