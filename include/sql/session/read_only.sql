-- Let nothing be written in this session from now on.
SELECT set_config('default_transaction_read_only', 'on', false);
