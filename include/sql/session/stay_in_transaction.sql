-- Let this transaction wait for as long as it takes, whatever the server's limit for idle ones is.
SELECT set_config('idle_in_transaction_session_timeout', '0', true);
