-- Which events a consumer has already taken, written in the transaction of their effect.
-- Event ids are UUIDv7 and begin with their time, so a month is a range of ids: the key stays unique over the whole
-- table, and whole months can be dropped. An id that is no UUIDv7 lands in the default partition.
create table inbox (
    consumer    text        not null,
    event_id    uuid        not null,
    received_at timestamptz not null default now(),

    constraint inbox_pkey primary key (consumer, event_id)
) partition by range (event_id);

create table inbox_default partition of inbox default;
select ensure_month_partitions('inbox', (date_trunc('month', now() at time zone 'UTC') - interval '1 month')::date, 8);

comment on table  inbox             is 'Bus: the events each consumer has handled. INSERT ... ON CONFLICT DO NOTHING; no row inserted means a duplicate. Kept 30 days, dropped by month (ensure_month_partitions, drop_month_partitions).';
comment on column inbox.consumer    is 'The consuming service.';
comment on column inbox.event_id    is 'Message id of the delivery (UUIDv7, assigned by the producer).';
comment on column inbox.received_at is 'When the effect was committed.';

create table seen_versions (
    consumer text   not null,
    subject  text   not null,
    version  bigint not null,

    constraint seen_versions_pkey primary key (consumer, subject)
) with (fillfactor = 70);  -- the version changes in place, and is in no index

comment on table  seen_versions          is 'Bus: the newest version of each subject a consumer has seen. A state event older than it is dropped; facts are not looked up here.';
comment on column seen_versions.consumer is 'The consuming service.';
comment on column seen_versions.subject  is 'What the event is about, as pitch/42.';
comment on column seen_versions.version  is 'Subject version of the newest state event applied.';

-- Only consumers use these. ON CONFLICT (consumer, event_id) reads its columns, hence SELECT.
grant select, insert on inbox to
    pitchey_accounts_system, pitchey_pitches_system,   pitchey_messaging_system,
    pitchey_payments_system, pitchey_analytics_system, pitchey_notifications_system;
grant select, insert, update on seen_versions to
    pitchey_accounts_system, pitchey_pitches_system,   pitchey_messaging_system,
    pitchey_payments_system, pitchey_analytics_system, pitchey_notifications_system;
