-- Let others check fixity.
SELECT pg_advisory_unlock(hashtextextended('doclife fixity', 0));
