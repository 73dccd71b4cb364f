-- Which migrations were applied, with the checksum each had then: name text, sha256 text.
SELECT
    name,
    sha256
FROM doclife.schema_migrations
ORDER BY name;
