-- Receive line and name of each row of a manifest.
COPY pg_temp.import_names (line, name) FROM STDIN;
