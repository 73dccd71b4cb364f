-- Read all of this transaction as of one moment, so that what others append meanwhile is not half
-- there. The first statement of the transaction.
SET LOCAL transaction_isolation = 'repeatable read';
