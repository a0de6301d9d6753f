drop table users;
drop type subscription_tier;
drop type user_type;
