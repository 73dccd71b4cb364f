-- Empty the working table of digests for the next organization.
TRUNCATE pg_temp.digest_rows;
