-- Make the place where applied migrations are written down.
CREATE TABLE IF NOT EXISTS doclife.schema_migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
