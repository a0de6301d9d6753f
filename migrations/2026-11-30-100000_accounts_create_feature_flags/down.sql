drop table feature_flag_users;
drop table feature_flags;
