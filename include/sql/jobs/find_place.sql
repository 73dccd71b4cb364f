-- Where a search that goes through so many unfinished and so many given-up jobs ends, the newest first:
-- the smallest id that both have come down to. NULL when there are fewer of both.
--   before  bigint  only smaller ids; NULL to begin
--   most    bigint  how many of each
SELECT
    greatest(
        (
            SELECT job.id
            FROM jobs AS job
            WHERE %(before)s::bigint IS NULL OR job.id < %(before)s
            ORDER BY job.id DESC
            LIMIT 1 OFFSET %(most)s - 1
        ),
        (
            SELECT job.id
            FROM jobs_failed AS job
            WHERE %(before)s::bigint IS NULL OR job.id < %(before)s
            ORDER BY job.id DESC
            LIMIT 1 OFFSET %(most)s - 1
        )
    );
