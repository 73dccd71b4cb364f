-- Commit this transaction without waiting for the disk: a later durable one covers it.
SELECT set_config('synchronous_commit', 'off', true);
