-- Empty the working table of warnings for the next rule.
TRUNCATE pg_temp.warnings;
