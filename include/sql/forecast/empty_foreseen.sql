-- Forget what an earlier rebuild in the same transaction foresaw.
TRUNCATE pg_temp.foreseen;
