create table investments (
    id           serial        not null,
    investor_id  integer       not null,
    pitch_id     integer       not null,
    amount_cents bigint        not null,
    currency     char(3)       not null default 'EUR',
    notes        varchar(2000),
    created_at   timestamptz   not null default now(),

    constraint investments_pkey             primary key (id),
    constraint investments_investor_id_fkey foreign key (investor_id) references users (id)   on delete restrict,
    constraint investments_pitch_id_fkey    foreign key (pitch_id)    references pitches (id) on delete restrict,
    constraint investments_amount_check     check (amount_cents between 1 and 100000000000000),
    constraint investments_currency_check   check (currency ~ '^[A-Z]{3}$')
);

create index investments_investor_created_at_idx on investments (investor_id, created_at desc, id desc);
create index investments_pitch_id_idx            on investments (pitch_id);

comment on table  investments              is 'What buyers track of their own investments: notes to themselves, shown to nobody else.';
comment on column investments.amount_cents is 'In minor units of the currency; at most a million millions.';

grant select, insert         on investments to pitchey_pitches;
grant select, insert, delete on investments to pitchey_pitches_system;
grant usage on sequence investments_id_seq  to pitchey_pitches, pitchey_pitches_system;

alter table investments enable row level security;
alter table investments force  row level security;

create policy investments_user   on investments to pitchey_pitches        using (investor_id = (select app_uid())) with check (investor_id = (select app_uid()));
create policy investments_system on investments to pitchey_pitches_system using (true) with check (true);
