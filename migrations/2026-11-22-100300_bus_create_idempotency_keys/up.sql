create table idempotency_keys (
    service      text        not null,
    actor        text        not null,
    key          text        not null,
    request_hash bytea       not null,
    status       smallint,
    response     jsonb,
    created_at   timestamptz not null default now(),

    constraint idempotency_keys_pkey               primary key (service, actor, key),
    constraint idempotency_keys_key_check          check (length(key) between 1 and 255),
    constraint idempotency_keys_request_hash_check check (octet_length(request_hash) = 32),
    constraint idempotency_keys_status_check       check (status between 100 and 599)
);

create index idempotency_keys_created_at_idx on idempotency_keys (created_at);

comment on table  idempotency_keys              is 'Answers to writes that clients may repeat, stored in the transaction of the effect. Kept 24 hours.';
comment on column idempotency_keys.service      is 'The service that answered; each uses its own rows only.';
comment on column idempotency_keys.actor        is 'Who sent the request: the user, else the address.';
comment on column idempotency_keys.key          is 'The Idempotency-Key header, the client''s or one made by the gateway.';
comment on column idempotency_keys.request_hash is 'SHA-256 of method, path and body: the same key with another request is an error.';
comment on column idempotency_keys.status       is 'HTTP status of the answer; NULL while the first request is in flight.';
comment on column idempotency_keys.response     is 'Body of the answer; never one that holds a token.';

grant select, insert, update on idempotency_keys to
    pitchey_accounts, pitchey_pitches, pitchey_messaging, pitchey_payments, pitchey_analytics, pitchey_notifications;
grant select, insert, update, delete on idempotency_keys to
    pitchey_accounts_system, pitchey_pitches_system,   pitchey_messaging_system,
    pitchey_payments_system, pitchey_analytics_system, pitchey_notifications_system;
