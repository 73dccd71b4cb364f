-- Forget what an earlier batch in the same transaction would come to.
DELETE FROM pg_temp.batch_outcomes;
