-- Count what a check has done; each figure is added.
--   check_id                                     bigint
--   objects, bytes, damaged, mended, cold        bigint
UPDATE fixity_checks
SET
    object_count = object_count + %(objects)s,
    byte_count = byte_count + %(bytes)s,
    damaged_count = damaged_count + %(damaged)s,
    mended_count = mended_count + %(mended)s,
    cold_count = cold_count + %(cold)s
WHERE id = %(check_id)s;
