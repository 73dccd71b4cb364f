-- Note a batch of an import, in the transaction that writes it.
--   run_id         bigint
--   done_count     bigint  documents of the batch
--   done_bytes     bigint
--   new_count      bigint
--   changed_count  bigint
UPDATE import_runs
SET
    done_count = done_count + %(done_count)s,
    done_bytes = done_bytes + %(done_bytes)s,
    new_count = new_count + %(new_count)s,
    changed_count = changed_count + %(changed_count)s
WHERE id = %(run_id)s;
