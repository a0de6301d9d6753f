drop function app_blocked_ids();
drop table user_consents;
drop table user_preferences;
drop table user_blocks;
