-- How large the tables are of which a sample is counted.
-- Returns one row: jobs_pages, failed_pages, documents_pages.
WITH page AS (
    SELECT current_setting('block_size')::bigint AS size_bytes
)

SELECT
    pg_relation_size('jobs') / page.size_bytes AS jobs_pages,
    pg_relation_size('jobs_failed') / page.size_bytes AS failed_pages,
    pg_relation_size('documents') / page.size_bytes AS documents_pages
FROM page;
