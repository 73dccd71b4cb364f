-- How far the first import of an attached table is.
--   attached_id  bigint
--   last_key     text         of the batch; NULL when there was no row any more
--   row_count    bigint       rows of the batch
--   now          timestamptz
UPDATE attached_tables
SET
    baseline_key = coalesce(%(last_key)s::text, baseline_key),
    baseline_rows = baseline_rows + %(row_count)s,
    baseline_ended_at = CASE WHEN %(last_key)s::text IS NULL THEN %(now)s END
WHERE id = %(attached_id)s;
