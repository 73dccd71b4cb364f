-- Forget the protections that an earlier planning or batch in the same transaction collected.
DELETE FROM pg_temp.protections;
