drop table login_attempts;
drop table mail_tokens;
drop table session_refresh_tokens;
drop table sessions;
