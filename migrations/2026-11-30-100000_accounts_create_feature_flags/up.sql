create table feature_flags (
    key         varchar(50) not null,
    description text        not null,
    enabled     boolean     not null,
    share       smallint    not null default 100,
    version     bigint      not null default 1,
    updated_at  timestamptz not null default now(),
    updated_by  text        not null,

    constraint feature_flags_pkey        primary key (key),
    constraint feature_flags_key_check   check (key ~ '^[a-z][a-z0-9_]*$'),
    constraint feature_flags_share_check check (share between 0 and 100)
);

comment on table  feature_flags             is 'What operators have switched, by ctl flags. A flag without a row is as the programs have it compiled in; one that no program knows any more does nothing.';
comment on column feature_flags.key         is 'The flag''s name in shared/flags.';
comment on column feature_flags.description is 'What it does, as the program that set it last had it.';
comment on column feature_flags.enabled     is 'Off for everybody, or on for the share; feature_flag_users come first.';
comment on column feature_flags.share       is 'For how many percent of users it is on where it is enabled. Who they are follows from a hash of flag and user: a bigger share has everybody that a smaller one had.';
comment on column feature_flags.version     is 'Raised under the row lock with every change, of its users too.';
comment on column feature_flags.updated_by  is 'The operator, as ctl was told. Why is in audit_log.';

create table feature_flag_users (
    flag    varchar(50) not null,
    user_id integer     not null,
    enabled boolean     not null,

    constraint feature_flag_users_pkey         primary key (flag, user_id),
    constraint feature_flag_users_flag_fkey    foreign key (flag)    references feature_flags (key) on delete cascade,
    constraint feature_flag_users_user_id_fkey foreign key (user_id) references users (id)          on delete cascade
);

create index feature_flag_users_user_id_idx on feature_flag_users (user_id);

comment on table feature_flag_users is 'Users for whom a flag is on or off whatever the flag itself says.';

-- Flags are switched by who may become the owner of the tables. The service tells what they are, and forgets who is gone.
grant select         on feature_flags      to pitchey_accounts_system;
grant select, delete on feature_flag_users to pitchey_accounts_system;
