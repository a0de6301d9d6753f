create type user_type         as enum ('creator', 'production', 'investor', 'viewer');
create type subscription_tier as enum ('free', 'creator', 'pro', 'investor');

create table users (
    id                       serial            not null,
    email                    varchar(255)      not null,
    username                 varchar(100)      not null,
    password_hash            text              not null,
    user_type                user_type         not null default 'viewer',
    first_name               varchar(100),
    last_name                varchar(100),
    phone                    text,
    location                 varchar(200),
    bio                      text,
    profile_image            text,
    company_name             text,
    company_number           varchar(100),
    company_website          text,
    company_address          text,
    email_verified           boolean           not null default false,
    email_verification_token text,
    company_verified         boolean           not null default false,
    is_active                boolean           not null default true,
    subscription_tier        subscription_tier not null default 'free',
    subscription_start_date  timestamptz,
    subscription_end_date    timestamptz,
    stripe_customer_id       text,
    stripe_subscription_id   text,
    last_login_at            timestamptz,
    created_at               timestamptz       not null default now(),
    updated_at               timestamptz       not null default now(),

    -- added
    email_verified_at        timestamptz,
    is_admin                 boolean           not null default false,
    suspended_at             timestamptz,
    banned_at                timestamptz,
    deleted_at               timestamptz,
    anonymised_at            timestamptz,
    version                  bigint            not null default 1,

    constraint users_pkey             primary key (id),
    constraint users_anonymised_check check (anonymised_at is null or deleted_at is not null)
) with (fillfactor = 90);

-- Unique whatever the case; look-ups compare lower(email) and use these. The two documented ones stay beside them.
create unique index users_email_key    on users (lower(email));
create unique index users_username_key on users (lower(username));
create index users_email_idx     on users (email);
create index users_username_idx  on users (username);
create index users_user_type_idx on users (user_type);

-- Few rows, but the sweep that ends the grace period asks every hour.
create index users_deleted_at_idx on users (deleted_at) where deleted_at is not null and anonymised_at is null;

comment on table  users                          is 'Everybody with an account. Owned by accounts.';
comment on column users.password_hash            is 'PHC string of argon2id, or a bcrypt hash that is replaced at the next login. What is no hash (an anonymised user has an empty one) never logs in.';
comment on column users.phone                    is 'AES-256-GCM ciphertext.';
comment on column users.company_address          is 'AES-256-GCM ciphertext.';
comment on column users.email_verification_token is 'Digest of the newest verification token; the token itself is never stored.';
comment on column users.subscription_tier        is 'With the dates and Stripe ids below: follows the events of payments.';
comment on column users.email_verified_at        is 'When the e-mail address was proved.';
comment on column users.is_admin                 is 'Set by an operator only; no login of a service may write it.';
comment on column users.suspended_at             is 'Suspended: may log in, read, log out, change the password, export and delete the account.';
comment on column users.banned_at                is 'Banned: has no session.';
comment on column users.deleted_at               is 'The user asked for deletion; after 14 days of grace the row is anonymised, or removed if nothing refers to it.';
comment on column users.anonymised_at            is 'Personal data is gone, the row stays as a pseudonym because somebody else''s evidence refers to it.';
comment on column users.version                  is 'Raised under the row lock with every change; the subject version of user.changed.';

-- Not under row level security (profiles are public); so column grants keep a user's request from what only an
-- operator (is_admin) or an event of payments (subscription, Stripe) may set.
grant select on users to pitchey_accounts;
grant insert (
    email, username, password_hash, user_type, first_name, last_name, phone, location, bio, profile_image,
    company_name, company_number, company_website, company_address, email_verification_token, created_at, updated_at
) on users to pitchey_accounts;
grant update (
    email, username, password_hash, first_name, last_name, phone, location, bio, profile_image,
    company_name, company_number, company_website, company_address, company_verified,
    email_verified, email_verified_at, email_verification_token,
    is_active, suspended_at, banned_at, deleted_at, last_login_at, updated_at, version
) on users to pitchey_accounts;
grant select, insert, delete on users to pitchey_accounts_system;
grant update (
    email, username, password_hash, user_type, first_name, last_name, phone, location, bio, profile_image,
    company_name, company_number, company_website, company_address, company_verified,
    email_verified, email_verified_at, email_verification_token,
    subscription_tier, subscription_start_date, subscription_end_date, stripe_customer_id, stripe_subscription_id,
    is_active, suspended_at, banned_at, deleted_at, anonymised_at, last_login_at, updated_at, version
) on users to pitchey_accounts_system;
grant usage on sequence users_id_seq to pitchey_accounts, pitchey_accounts_system;
