create table credits (
    id                 serial      not null,
    user_id            integer     not null,
    balance            integer     not null default 0,
    lifetime_purchased integer     not null default 0,
    lifetime_used      integer     not null default 0,
    updated_at         timestamptz not null default now(),

    -- added
    granted            integer     not null default 0,
    purchased          integer     not null default 0,
    version            bigint      not null default 1,

    constraint credits_pkey           primary key (id),
    constraint credits_user_id_key    unique (user_id),
    constraint credits_user_id_fkey   foreign key (user_id) references users (id) on delete restrict,
    constraint credits_balance_check  check (balance >= 0),
    constraint credits_parts_check    check (granted >= 0 and purchased >= 0 and balance = granted + purchased),
    constraint credits_lifetime_check check (lifetime_purchased >= 0 and lifetime_used >= 0)
) with (fillfactor = 70);  -- every spending changes the row, none of it in an index

comment on table  credits           is 'Balance of each user, in credits. What is held for an open request is no longer in it.';
comment on column credits.granted   is 'Part of the balance that was granted; spent first, expires with the next grant.';
comment on column credits.purchased is 'Part of the balance that was bought; does not expire.';
comment on column credits.version   is 'Raised under the row lock with every change.';

-- Spending, holding and granting follow events and calls of other services; a user's request only looks.
grant select                 on credits to pitchey_payments;
grant select, insert, update on credits to pitchey_payments_system;
grant usage on sequence credits_id_seq  to pitchey_payments_system;

alter table credits enable row level security;
alter table credits force  row level security;
create policy credits_user   on credits to pitchey_payments        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy credits_system on credits to pitchey_payments_system using (true) with check (true);
