-- Note that an import begins.
--   organization_id  bigint
--   source           text
--   actor            text
-- The clock is the database's own: an import runs for hours, and its caller told one moment.
INSERT INTO import_runs (organization_id, source, requested_by, started_at)
VALUES (%(organization_id)s, %(source)s, %(actor)s, clock_timestamp())
RETURNING id;
