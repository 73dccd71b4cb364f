-- Each backup leaves an entry in the audit trail. When the last one was made is asked for again and again,
-- and nobody should read the trail of years for it: least of all where there is none.
CREATE INDEX audit_entries_of_backups ON audit_entries (at) WHERE action = 'backup.made';
