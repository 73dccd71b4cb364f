-- Forget what an earlier judging in the same transaction said.
DELETE FROM pg_temp.judgements;
