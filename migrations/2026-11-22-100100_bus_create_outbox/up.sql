-- Events wait here, written in the transaction of the change, until the producer's relay has the broker's confirm.
-- A partition a producer: the vacuum of a busy service does not wait for, or slow, the others.
create table outbox (
    producer        text        not null,
    id              bigint      not null generated always as identity,
    event_id        uuid        not null,
    event_type      text        not null,
    subject         text        not null,
    subject_version bigint,
    traceparent     text,
    tracestate      text,
    payload         jsonb       not null,
    occurred_at     timestamptz not null default now(),
    attempts        integer     not null default 0,
    next_attempt_at timestamptz,

    constraint outbox_pkey           primary key (producer, id),
    constraint outbox_event_id_key   unique (producer, event_id),
    constraint outbox_attempts_check check (attempts >= 0)
) partition by list (producer);

-- A queue: every row is inserted once and deleted soon, now and then its attempts change. Vacuum must follow the
-- churn, not the size, so it starts after some thousand dead rows and does not sleep; the free tenth of a page
-- keeps a changed row on its page.
create table outbox_accounts partition of outbox for values in ('accounts') with (
    fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
create table outbox_pitches partition of outbox for values in ('pitches') with (
    fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
create table outbox_messaging partition of outbox for values in ('messaging') with (
    fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
create table outbox_payments partition of outbox for values in ('payments') with (
    fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
create table outbox_analytics partition of outbox for values in ('analytics') with (
    fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
create table outbox_notifications partition of outbox for values in ('notifications') with (
    fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);

comment on table  outbox                 is 'Bus: events on their way to the broker. Rows are deleted once the broker has confirmed them; an empty table is the normal state.';
comment on column outbox.producer        is 'The service whose change this tells, and whose relay takes it.';
comment on column outbox.id              is 'The order in which the relay takes a producer''s rows. Never a cursor: ids become visible out of order.';
comment on column outbox.event_id        is 'UUIDv7; the message id on the wire and the key of every consumer''s inbox.';
comment on column outbox.event_type      is 'Name and version of the event, as nda.signed.v1; the routing key.';
comment on column outbox.subject         is 'What the event is about, as nda/42.';
comment on column outbox.subject_version is 'The subject''s version after the change; consumers drop a state event older than one they have seen. NULL for facts that never go stale.';
comment on column outbox.traceparent     is 'W3C trace context of the request that made the change, taken when the row is written.';
comment on column outbox.tracestate      is 'W3C trace state belonging to traceparent.';
comment on column outbox.payload         is 'The body of the event: ids and small values, never secrets or protected text.';
comment on column outbox.attempts        is 'Publications the broker did not confirm.';
comment on column outbox.next_attempt_at is 'Not before this time; NULL means at once.';

-- A user's request appends and reads nothing back; the relay is a job.
grant insert on outbox to
    pitchey_accounts, pitchey_pitches, pitchey_messaging, pitchey_payments, pitchey_analytics, pitchey_notifications;
grant select, insert, update, delete on outbox to
    pitchey_accounts_system, pitchey_pitches_system,   pitchey_messaging_system,
    pitchey_payments_system, pitchey_analytics_system, pitchey_notifications_system;
