create table sessions (
    id                uuid        not null default gen_random_uuid(),
    user_id           integer     not null,
    token             text        not null,
    refresh_token     text,
    ip_address        varchar(45),
    user_agent        text,
    expires_at        timestamptz not null,
    created_at        timestamptz not null default now(),
    last_activity_at  timestamptz not null default now(),

    -- added
    access_expires_at timestamptz not null,
    ended_at          timestamptz,
    end_reason        varchar(30),

    constraint sessions_pkey              primary key (id),
    constraint sessions_token_key         unique (token),
    constraint sessions_refresh_token_key unique (refresh_token),
    constraint sessions_user_id_fkey      foreign key (user_id) references users (id) on delete cascade,
    constraint sessions_end_reason_check  check (end_reason in ('logout', 'revoked', 'expired', 'dropped', 'password_changed', 'token_reuse', 'banned', 'deleted')),
    constraint sessions_ended_check       check ((ended_at is null) = (end_reason is null))
) with (fillfactor = 80);  -- last_activity_at changes often and is in no index: the new row stays on its page

create index sessions_user_id_idx    on sessions (user_id, created_at desc);
create index sessions_expires_at_idx on sessions (expires_at);

comment on table  sessions                   is 'A login and what it was refreshed to: one row is one family of tokens. Removed 30 days after its end.';
comment on column sessions.token             is 'SHA-256 digest of the access token.';
comment on column sessions.refresh_token     is 'SHA-256 digest of the current refresh token; those it replaced are in session_refresh_tokens.';
comment on column sessions.expires_at        is 'End of the refresh token, and so of the session.';
comment on column sessions.ip_address        is 'NULL once the session has ended.';
comment on column sessions.access_expires_at is 'End of the access token; a refresh sets a new one.';
comment on column sessions.ended_at          is 'Ended before its time; refused everywhere from then on.';
comment on column sessions.end_reason        is 'Why it ended before its time.';

create table session_refresh_tokens (
    digest      text        not null,
    session_id  uuid        not null,
    replaced_at timestamptz not null default now(),

    constraint session_refresh_tokens_pkey            primary key (digest),
    constraint session_refresh_tokens_session_id_fkey foreign key (session_id) references sessions (id) on delete cascade
);

create index session_refresh_tokens_session_id_idx on session_refresh_tokens (session_id);

comment on table  session_refresh_tokens             is 'Refresh tokens that were replaced. Who shows one again is a client that repeats itself (within 30 s) or a thief: the session ends.';
comment on column session_refresh_tokens.digest      is 'SHA-256 digest of the used refresh token.';
comment on column session_refresh_tokens.session_id  is 'The family it belonged to.';
comment on column session_refresh_tokens.replaced_at is 'When its successor was given out.';

create table mail_tokens (
    id         uuid        not null default gen_random_uuid(),
    user_id    integer     not null,
    purpose    varchar(30) not null,
    nonce      bytea       not null,
    digest     bytea       not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    created_at timestamptz not null default now(),

    constraint mail_tokens_pkey          primary key (id),
    constraint mail_tokens_digest_key    unique (digest),
    constraint mail_tokens_user_id_fkey  foreign key (user_id) references users (id) on delete cascade,
    constraint mail_tokens_purpose_check check (purpose in ('email_verification', 'password_reset')),
    constraint mail_tokens_digest_check  check (octet_length(digest) = 32)
);

create index mail_tokens_user_id_idx    on mail_tokens (user_id, purpose, created_at desc);
create index mail_tokens_expires_at_idx on mail_tokens (expires_at);

comment on table  mail_tokens            is 'Tokens that are mailed: the token is an HMAC over purpose, user and nonce with a key that is not in the database, so that it can be made again at sending time and cannot be made from this table.';
comment on column mail_tokens.id         is 'The request; events and the mail queue carry only this.';
comment on column mail_tokens.purpose    is 'What the token allows.';
comment on column mail_tokens.nonce      is 'Random part of the token.';
comment on column mail_tokens.digest     is 'SHA-256 of the token, by which it is found when it comes back.';
comment on column mail_tokens.expires_at is 'Verification 24 hours, reset 1 hour.';
comment on column mail_tokens.used_at    is 'A token works once; also set on the older ones when a newer is asked for.';

create table login_attempts (
    account_digest bytea       not null,
    ip_address     varchar(45) not null,
    failed_at      timestamptz not null default now(),
    id             bigint      not null generated by default as identity,

    constraint login_attempts_pkey         primary key (account_digest, ip_address, failed_at, id),
    constraint login_attempts_digest_check check (octet_length(account_digest) = 32)
);

create index login_attempts_failed_at_idx on login_attempts (failed_at);

comment on table  login_attempts                is 'Failed logins of the last 15 minutes: five for one account from one address are enough. The key is ordered so that the count is one index range.';
comment on column login_attempts.account_digest is 'SHA-256 of the lower-cased name that was typed, also of one that does not exist: both are answered alike.';
comment on column login_attempts.ip_address     is 'Address of the client; rows are removed when they no longer count.';
comment on column login_attempts.id             is 'Tells attempts of the same instant apart.';

-- A session is found by its token before it is known whose it is: by the system role. A user's request sees and
-- ends the user's own.
grant select, insert, update         on sessions               to pitchey_accounts;
grant select, insert, update, delete on sessions               to pitchey_accounts_system;
grant select, insert, update, delete on session_refresh_tokens to pitchey_accounts_system;
grant select, insert, update         on mail_tokens            to pitchey_accounts;
grant select, insert, update, delete on mail_tokens            to pitchey_accounts_system;
grant select, insert, delete         on login_attempts         to pitchey_accounts, pitchey_accounts_system;

alter table sessions enable row level security;
alter table sessions force  row level security;
create policy sessions_user   on sessions to pitchey_accounts        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy sessions_system on sessions to pitchey_accounts_system using (true) with check (true);
