-- End each later statement of this session that takes longer.
--   longest  text  such as 20s
SELECT set_config('statement_timeout', %(longest)s, false);
