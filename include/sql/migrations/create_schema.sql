-- Make the schema that everything of doclife lives in.
CREATE SCHEMA IF NOT EXISTS doclife;
