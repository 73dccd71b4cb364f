-- Give up in this transaction on a lock that others keep longer.
--   longest  text  such as 5s
SELECT set_config('lock_timeout', %(longest)s, true);
