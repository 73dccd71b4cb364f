-- Begin with the external ids of another manifest.
DELETE FROM pg_temp.import_names;
