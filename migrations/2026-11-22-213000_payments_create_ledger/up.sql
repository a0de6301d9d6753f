-- Credits as a ledger, holds, and what the payment provider tells: events, subscriptions, invoices.

-- ---------------------------------------------------------------------------------------- money: facts and what follows from them

alter table transactions
    add column provider_id    text,
    add column credits        integer,
    add column given_credits  integer     not null default 0,
    add column changes        integer     not null default 0,
    add column paid_at        timestamptz,
    add column failed_at      timestamptz,
    add column refunded_cents bigint      not null default 0,
    add column dispute        varchar(20),
    add column updated_at     timestamptz not null default now(),
    add constraint transactions_credits_check        check (credits > 0),
    add constraint transactions_given_credits_check  check (given_credits between 0 and coalesce(credits, 0)),
    add constraint transactions_refunded_cents_check check (refunded_cents >= 0),
    add constraint transactions_dispute_check        check (dispute in ('open', 'won', 'lost'));

create unique index transactions_provider_id_key on transactions (provider_id) where provider_id is not null;

comment on column transactions.provider_id    is 'What the row books, by the provider''s name: a payment intent, an invoice, a dispute, the state of a refund. Once each.';
comment on column transactions.credits        is 'Of a package: how many credits the payment buys.';
comment on column transactions.given_credits  is 'How many of them the ledger gave, net of what a refund or dispute took back.';
comment on column transactions.changes        is 'How often the ledger was changed for it: part of the ledger''s keys.';
comment on column transactions.paid_at        is 'When the provider said it was paid. The status follows from this and the columns after it, in whatever order they were learnt.';
comment on column transactions.failed_at      is 'When the provider last said it failed.';
comment on column transactions.refunded_cents is 'How much of it went back: the largest sum the provider told.';
comment on column transactions.dispute        is 'open, won or lost; NULL without one.';

-- ---------------------------------------------------------------------------------------- credits

alter table credits
    add column monthly integer not null default 0,
    add constraint credits_monthly_check check (monthly between 0 and granted);

comment on column credits.granted is 'Part of the balance that was granted, by the plan or otherwise; spent before what was bought.';
comment on column credits.monthly is 'Part of granted that is left of the last monthly grant: spent first, expires with the next.';

create table credit_holds (
    key             uuid        not null,
    user_id         integer     not null,
    reason          varchar(50) not null,
    amount          integer     not null,
    granted         integer     not null default 0,
    monthly         integer     not null default 0,
    status          varchar(20) not null default 'tentative',
    tentative_until timestamptz not null,
    uncovered       boolean     not null default false,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,

    constraint credit_holds_pkey          primary key (key),
    constraint credit_holds_user_id_fkey  foreign key (user_id) references users (id) on delete restrict,
    constraint credit_holds_reason_check  check (reason in ('nda_request', 'conversation', 'pitch_publish', 'promotion', 'media_text', 'media_pictures', 'media_extra_image', 'media_video_link')),
    constraint credit_holds_parts_check   check (amount >= granted and granted >= monthly and monthly >= 0),
    constraint credit_holds_status_check  check (status in ('tentative', 'firm', 'captured', 'released', 'refunded', 'lapsed'))
) with (fillfactor = 80);

create index credit_holds_user_id_idx on credit_holds (user_id, created_at desc);
create index credit_holds_open_idx on credit_holds (user_id) include (amount) where status in ('tentative', 'firm');
create index credit_holds_tentative_idx on credit_holds (tentative_until) where status = 'tentative';
create index credit_holds_firm_idx on credit_holds (updated_at) where status = 'firm';
create index credit_holds_uncovered_idx on credit_holds (updated_at) where uncovered;
create index credit_holds_publish_idx on credit_holds (user_id) where reason = 'pitch_publish' and status in ('tentative', 'firm', 'captured');

comment on table  credit_holds                 is 'Credits set aside for something that another service does, under a key of that service''s.';
comment on column credit_holds.amount          is 'What is held, in credits; 0 where the thing is free for this user.';
comment on column credit_holds.granted         is 'How much of it came from granted credits: it goes back there.';
comment on column credit_holds.monthly         is 'How much of that came from the last monthly grant.';
comment on column credit_holds.status          is 'tentative: nobody confirmed it yet; firm: the thing exists; captured: spent; released: back; refunded: spent and back; lapsed: nobody confirmed it in time, so it went back, until somebody does.';
comment on column credit_holds.tentative_until is 'When it lapses unless an event made it firm.';
comment on column credit_holds.uncovered       is 'The event came after the hold had lapsed and its user had spent the credits: the thing exists and was not paid. Reported by the reconciliation.';

create table credit_ledger (
    id              bigint      not null generated by default as identity,
    user_id         integer     not null,
    kind            varchar(20) not null,
    amount          integer     not null,
    granted         integer     not null default 0,
    monthly         integer     not null default 0,
    used            integer     not null default 0,
    bought          integer     not null default 0,
    balance_after   integer     not null,
    reason          varchar(50),
    hold_key        uuid,
    transaction_id  bigint,
    idempotency_key text        not null,
    created_at      timestamptz not null,

    constraint credit_ledger_pkey                primary key (id),
    constraint credit_ledger_idempotency_key_key unique (idempotency_key),
    constraint credit_ledger_user_id_fkey        foreign key (user_id) references users (id) on delete restrict,
    constraint credit_ledger_hold_key_fkey       foreign key (hold_key) references credit_holds (key) on delete restrict,
    constraint credit_ledger_transaction_id_fkey foreign key (transaction_id) references transactions (id) on delete restrict,
    constraint credit_ledger_kind_check          check (kind in ('grant', 'purchase', 'hold', 'capture', 'release', 'refund', 'usage', 'expire', 'adjust')),
    constraint credit_ledger_balance_after_check check (balance_after >= 0)
);

create index credit_ledger_user_id_idx on credit_ledger (user_id, id desc);
create index credit_ledger_hold_key_idx on credit_ledger (hold_key) where hold_key is not null;
create index credit_ledger_transaction_id_idx on credit_ledger (transaction_id) where transaction_id is not null;

comment on table  credit_ledger                 is 'Every change of a balance, append-only: credits.balance is the sum of amount, and likewise for the other columns.';
comment on column credit_ledger.amount          is 'What the balance changed by, in credits: negative for hold, usage and expire, 0 for capture.';
comment on column credit_ledger.granted         is 'What credits.granted changed by.';
comment on column credit_ledger.monthly         is 'What credits.monthly changed by.';
comment on column credit_ledger.used            is 'What credits.lifetime_used changed by: positive for capture and usage, negative for refund.';
comment on column credit_ledger.bought          is 'What credits.lifetime_purchased changed by.';
comment on column credit_ledger.reason          is 'What for.';
comment on column credit_ledger.idempotency_key is 'What happened, by a name that is the same each time it is tried: it is booked once.';

create trigger credit_ledger_append_only before update or delete or truncate on credit_ledger
    for each statement execute function refuse_change();

-- ---------------------------------------------------------------------------------------- the provider

create table stripe_events (
    event_id    text        not null,
    type        text        not null,
    object_id   text        not null,
    created_at  timestamptz not null,
    received_at timestamptz not null,
    outcome     varchar(20) not null,

    constraint stripe_events_pkey          primary key (event_id),
    constraint stripe_events_outcome_check check (outcome in ('applied', 'ignored'))
);

comment on table  stripe_events            is 'The inbox of the provider''s webhooks: written in the transaction of the effect, kept for ever, so that nothing is applied twice.';
comment on column stripe_events.event_id   is 'The provider''s name of the event.';
comment on column stripe_events.object_id  is 'The provider''s name of what it is about.';
comment on column stripe_events.created_at is 'When it happened, by the provider''s clock.';
comment on column stripe_events.outcome    is 'ignored: not ours, or of a type that nothing follows from.';

create trigger stripe_events_append_only before update or delete or truncate on stripe_events
    for each statement execute function refuse_change();

create table subscriptions (
    id                   bigint      not null generated by default as identity,
    user_id              integer     not null,
    provider             varchar(10) not null,
    provider_id          text        not null,
    tier                 varchar(20),
    billing_interval     varchar(10),
    status               varchar(30) not null,
    started_at           timestamptz,
    current_period_start timestamptz,
    current_period_end   timestamptz,
    cancel_at_period_end boolean     not null default false,
    ended_at             timestamptz,
    paid_until           timestamptz,
    paid_tier            varchar(20),
    paid_as_of           timestamptz,
    granted_months       integer     not null default 0,
    next_grant_at        timestamptz,
    as_of                timestamptz not null,
    as_of_rank           integer     not null default 0,
    as_of_event          text        not null default '',
    version              bigint      not null default 1,
    created_at           timestamptz not null,
    updated_at           timestamptz not null,

    constraint subscriptions_pkey                   primary key (id),
    constraint subscriptions_provider_id_key        unique (provider_id),
    constraint subscriptions_user_id_fkey           foreign key (user_id) references users (id) on delete restrict,
    constraint subscriptions_provider_check         check (provider in ('stripe', 'local')),
    constraint subscriptions_tier_check             check (tier in ('creator', 'pro', 'investor')),
    constraint subscriptions_billing_interval_check check (billing_interval in ('month', 'year')),
    constraint subscriptions_status_check           check (status in ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled')),
    constraint subscriptions_granted_months_check   check (granted_months >= 0)
) with (fillfactor = 80);

create index subscriptions_user_id_idx on subscriptions (user_id);
create index subscriptions_next_grant_at_idx on subscriptions (next_grant_at) where next_grant_at is not null;
create index subscriptions_local_period_end_idx on subscriptions (current_period_end) where provider = 'local' and status = 'active';

comment on table  subscriptions               is 'Subscriptions as the provider told of them last.';
comment on column subscriptions.provider_id   is 'The provider''s name of it.';
comment on column subscriptions.tier          is 'NULL while only an invoice of it was heard of.';
comment on column subscriptions.paid_until    is 'The end of the last period that was paid.';
comment on column subscriptions.paid_tier     is 'The plan of that period: what its months grant.';
comment on column subscriptions.paid_as_of    is 'When the invoice of that period was made, by the provider''s clock.';
comment on column subscriptions.granted_months is 'Monthly grants made, or skipped because a later month had begun.';
comment on column subscriptions.next_grant_at is 'When the next monthly grant is due; NULL while none is.';
comment on column subscriptions.as_of         is 'When the state that is kept was made, by the provider''s clock; older ones that come later are not taken.';
comment on column subscriptions.as_of_rank    is 'Decides between states of the same second: the further on in its life the later.';
comment on column subscriptions.as_of_event   is 'Decides between states of the same second and rank, so that every order of arrival ends alike.';

create table user_plans (
    user_id              integer     not null,
    tier                 varchar(20) not null default 'free',
    status               varchar(30) not null default 'none',
    billing_interval     varchar(10),
    subscription_id      bigint,
    current_period_end   timestamptz,
    cancel_at_period_end boolean     not null default false,
    grace_until          timestamptz,
    customer_id          text,
    closed_at            timestamptz,
    version              bigint      not null default 0,
    updated_at           timestamptz not null,

    constraint user_plans_pkey                 primary key (user_id),
    constraint user_plans_user_id_fkey         foreign key (user_id) references users (id) on delete restrict,
    constraint user_plans_subscription_id_fkey foreign key (subscription_id) references subscriptions (id) on delete restrict,
    constraint user_plans_customer_id_key      unique (customer_id),
    constraint user_plans_tier_check           check (tier in ('free', 'creator', 'pro', 'investor'))
) with (fillfactor = 80);

create index user_plans_grace_until_idx on user_plans (grace_until) where grace_until is not null;
create index user_plans_closed_at_idx on user_plans (closed_at) where closed_at is not null and customer_id is not null;
create index user_plans_subscription_id_idx on user_plans (subscription_id) where subscription_id is not null;

comment on table  user_plans             is 'The plan each user is on: what the user''s subscriptions come to.';
comment on column user_plans.status      is 'That of the subscription that decides; none without one.';
comment on column user_plans.grace_until is 'A payment is overdue: the tier ends then.';
comment on column user_plans.customer_id is 'The user''s name at the provider.';
comment on column user_plans.closed_at   is 'The account is gone: what the provider still has of the user is to be deleted there.';
comment on column user_plans.version     is 'Raised under the row lock with every change that others are told of.';

create table invoice_numbers (
    year integer not null,
    last integer not null,

    constraint invoice_numbers_pkey       primary key (year),
    constraint invoice_numbers_last_check check (last > 0)
);

comment on table  invoice_numbers      is 'The last number of each year. Taken in the transaction that writes the invoice, so a number that is not used is not taken: there are no gaps.';

create table invoices (
    id             bigint         not null generated by default as identity,
    user_id        integer        not null,
    transaction_id bigint         not null,
    year           integer        not null,
    sequence       integer        not null,
    kind           varchar(20)    not null,
    amount         decimal(10, 2) not null,
    currency       varchar(3)     not null,
    description    text           not null,
    issued_at      timestamptz    not null,

    constraint invoices_pkey                 primary key (id),
    constraint invoices_year_sequence_key    unique (year, sequence),
    constraint invoices_transaction_id_key   unique (transaction_id),
    constraint invoices_user_id_fkey         foreign key (user_id) references users (id) on delete restrict,
    constraint invoices_transaction_id_fkey  foreign key (transaction_id) references transactions (id) on delete restrict,
    constraint invoices_kind_check           check (kind in ('invoice', 'credit_note')),
    constraint invoices_amount_check         check (amount = trunc(amount)),
    constraint invoices_currency_check       check (currency ~ '^[A-Z]{3}$')
);

create index invoices_user_id_idx on invoices (user_id, id desc);

comment on table  invoices          is 'Invoices and credit notes, numbered by year without gaps. Never changed, never deleted.';
comment on column invoices.sequence is 'Its number in the year, from 1; written 2026-000001.';
comment on column invoices.amount   is 'In cents, without a fraction; negative on a credit note.';

create trigger invoices_append_only before update or delete or truncate on invoices
    for each statement execute function refuse_change();

-- ---------------------------------------------------------------------------------------- who may do what

grant select on credit_holds, credit_ledger, subscriptions, user_plans, invoices to pitchey_payments;

grant select, insert, update on credit_holds, subscriptions, user_plans, invoice_numbers to pitchey_payments_system;
grant select, insert         on credit_ledger, stripe_events, invoices                   to pitchey_payments_system;

alter table credit_holds  enable row level security;
alter table credit_holds  force  row level security;
alter table credit_ledger enable row level security;
alter table credit_ledger force  row level security;
alter table subscriptions enable row level security;
alter table subscriptions force  row level security;
alter table user_plans    enable row level security;
alter table user_plans    force  row level security;
alter table invoices      enable row level security;
alter table invoices      force  row level security;

create policy credit_holds_user    on credit_holds  to pitchey_payments        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy credit_holds_system  on credit_holds  to pitchey_payments_system using (true) with check (true);
create policy credit_ledger_user   on credit_ledger to pitchey_payments        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy credit_ledger_system on credit_ledger to pitchey_payments_system using (true) with check (true);
create policy subscriptions_user   on subscriptions to pitchey_payments        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy subscriptions_system on subscriptions to pitchey_payments_system using (true) with check (true);
create policy user_plans_user      on user_plans    to pitchey_payments        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy user_plans_system    on user_plans    to pitchey_payments_system using (true) with check (true);
create policy invoices_user        on invoices      to pitchey_payments        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy invoices_system      on invoices      to pitchey_payments_system using (true) with check (true);
