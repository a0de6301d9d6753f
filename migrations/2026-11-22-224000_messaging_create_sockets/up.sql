-- ---------------------------------------------------------------------------------------- keys of conversations
create table conversation_keys (
    conversation_id integer     not null,
    version         integer     not null default 1,
    wrapped_key     text        not null,
    master_key      text        not null,
    created_at      timestamptz not null default now(),

    constraint conversation_keys_pkey                 primary key (conversation_id, version),
    constraint conversation_keys_conversation_id_fkey foreign key (conversation_id) references conversations (id) on delete cascade,
    constraint conversation_keys_version_check        check (version > 0)
);

create index conversation_keys_master_key_idx on conversation_keys (master_key);  -- what is left to re-wrap

comment on table  conversation_keys             is 'Data keys: each conversation''s messages are sealed with its own. The newest version seals, all open.';
comment on column conversation_keys.version     is 'Named by every text that was sealed with it.';
comment on column conversation_keys.wrapped_key is 'AES-256-GCM under a master key, bound to conversation and version.';
comment on column conversation_keys.master_key  is 'Id of that master key; ctl keys rotate wraps again what is not under the newest.';

grant select, insert on conversation_keys to pitchey_messaging, pitchey_messaging_system;

alter table conversation_keys enable row level security;
alter table conversation_keys force  row level security;
create policy conversation_keys_read on conversation_keys for select to pitchey_messaging
    using (conversation_id in (select app_conversation_ids()) or app_opens_conversation(conversation_id));
create policy conversation_keys_insert on conversation_keys for insert to pitchey_messaging
    with check (conversation_id in (select app_active_conversation_ids()) or app_opens_conversation(conversation_id));
create policy conversation_keys_system on conversation_keys to pitchey_messaging_system using (true) with check (true);

-- The id is drawn before the text is sealed, which is bound to it.
grant usage on sequence messages_id_seq to pitchey_messaging, pitchey_messaging_system;

-- ---------------------------------------------------------------------------------------- members
alter table conversation_participants
    add column archived_at  timestamptz,
    add column active_until timestamptz;

create index conversation_participants_active_until_idx on conversation_participants (active_until) where is_active and active_until is not null;

comment on column conversation_participants.archived_at  is 'When the member put it away; it is back with the next message.';
comment on column conversation_participants.active_until is 'When the membership ends by itself: with the NDA that gave it.';

create table discussion_ndas (
    nda_id     integer     not null,
    pitch_id   integer     not null,
    signer_id  integer     not null,
    owner_id   integer     not null,
    signed_at  timestamptz,
    expires_at timestamptz,
    ended_at   timestamptz,

    constraint discussion_ndas_pkey           primary key (nda_id),
    constraint discussion_ndas_pitch_id_fkey  foreign key (pitch_id)  references pitches (id) on delete restrict,
    constraint discussion_ndas_signer_id_fkey foreign key (signer_id) references users (id)   on delete restrict,
    constraint discussion_ndas_owner_id_fkey  foreign key (owner_id)  references users (id)   on delete restrict
);

create index discussion_ndas_pitch_id_idx  on discussion_ndas (pitch_id, signer_id);
create index discussion_ndas_signer_id_idx on discussion_ndas (signer_id);
create index discussion_ndas_owner_id_idx  on discussion_ndas (owner_id);

comment on table  discussion_ndas            is 'What was heard of signed NDAs, in whatever order: a signer is a member of the discussion while one is signed and not ended.';
comment on column discussion_ndas.signed_at  is 'NULL: the end was heard of first.';
comment on column discussion_ndas.expires_at is 'When it ends by itself.';
comment on column discussion_ndas.ended_at   is 'When it was revoked or ran out.';

grant select, insert, update on discussion_ndas to pitchey_messaging_system;

-- ---------------------------------------------------------------------------------------- limits
create table message_rates (
    user_id integer     not null,
    full_at timestamptz not null,

    constraint message_rates_pkey         primary key (user_id),
    constraint message_rates_user_id_fkey foreign key (user_id) references users (id) on delete cascade
) with (fillfactor = 50);

comment on table  message_rates         is 'How fast somebody may write, as a bucket that fills by itself.';
comment on column message_rates.full_at is 'When the bucket is full again; each message moves it on.';

grant select, insert, update on message_rates to pitchey_messaging;
grant select, delete         on message_rates to pitchey_messaging_system;

alter table message_rates enable row level security;
alter table message_rates force  row level security;
create policy message_rates_user   on message_rates to pitchey_messaging        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy message_rates_system on message_rates to pitchey_messaging_system using (true) with check (true);

-- ---------------------------------------------------------------------------------------- frames
create table socket_streams (
    user_id  integer not null,
    last_seq bigint  not null default 0,

    constraint socket_streams_pkey         primary key (user_id),
    constraint socket_streams_user_id_fkey foreign key (user_id) references users (id) on delete cascade
) with (fillfactor = 50);

comment on table  socket_streams          is 'How many durable frames each user has had. The row is locked by whoever writes the next one: numbers have no gaps, and are visible in their order.';
comment on column socket_streams.last_seq is 'Number of the newest frame.';

create table socket_frames (
    user_id         integer     not null,
    seq             bigint      not null,
    type            varchar(20) not null,
    event           varchar(20) not null,
    conversation_id integer,
    message_id      bigint,
    data            jsonb,
    created_at      timestamptz not null default now(),

    constraint socket_frames_pkey         primary key (user_id, seq),
    constraint socket_frames_user_id_fkey foreign key (user_id) references socket_streams (user_id) on delete cascade,
    constraint socket_frames_type_check   check (type in ('message', 'receipt', 'notification')),
    constraint socket_frames_message_check check ((type = 'message') = (message_id is not null))
);

create index socket_frames_created_at_idx on socket_frames (created_at);

comment on table  socket_frames            is 'Durable frames of the sockets, for who comes back. Kept 7 days or 1,000 a user. A message is named here, not told.';
comment on column socket_frames.seq        is 'From 1, without gaps.';
comment on column socket_frames.event      is 'What happened: new, edited, deleted; read, delivered; created.';
comment on column socket_frames.message_id is 'The message told of; its text is opened when the frame is sent.';
comment on column socket_frames.data       is 'What is told, where it is no message.';

grant select                         on socket_streams, socket_frames to pitchey_messaging;
grant select, insert, update, delete on socket_streams, socket_frames to pitchey_messaging_system;

alter table socket_streams enable row level security;
alter table socket_streams force  row level security;
alter table socket_frames  enable row level security;
alter table socket_frames  force  row level security;
create policy socket_streams_read   on socket_streams for select to pitchey_messaging using (user_id = (select app_uid()));
create policy socket_streams_system on socket_streams to pitchey_messaging_system using (true) with check (true);
create policy socket_frames_read    on socket_frames for select to pitchey_messaging using (user_id = (select app_uid()));
create policy socket_frames_system  on socket_frames to pitchey_messaging_system using (true) with check (true);

-- One statement takes the numbers: users in ascending order, so that two writers never wait for each other.
create function push_frames(recipients integer[], frame_type text, frame_event text, conversation integer, message bigint, frame_data jsonb, at timestamptz)
    returns void
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    with numbered as (
        insert into socket_streams as s (user_id, last_seq)
        select recipient, 1 from unnest(recipients) as recipient order by recipient
        on conflict (user_id) do update set last_seq = s.last_seq + 1
        returning s.user_id, s.last_seq)
    insert into socket_frames (user_id, seq, type, event, conversation_id, message_id, data, created_at)
    select user_id, last_seq, frame_type, frame_event, conversation, message, frame_data, at from numbered
$$;

create function tell_members(conversation integer, recipients integer[], frame_type text, frame_event text, message bigint, frame_data jsonb, at timestamptz)
    returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    if not app_is_participant(conversation) then
        raise exception 'the acting user is no member of conversation %', conversation;
    end if;
    perform push_frames(
        array(select p.user_id from conversation_participants as p
              where p.conversation_id = conversation and p.user_id = any (recipients) and p.is_active),
        frame_type, frame_event, conversation, message, frame_data, at);
end
$$;

comment on function push_frames(integer[], text, text, integer, bigint, jsonb, timestamptz)           is 'Writes the next durable frame of each recipient.';
comment on function tell_members(integer, integer[], text, text, bigint, jsonb, timestamptz) is 'push_frames for the acting user, to active members of a conversation of the acting user''s only.';

revoke all on function push_frames(integer[], text, text, integer, bigint, jsonb, timestamptz) from public;
revoke all on function tell_members(integer, integer[], text, text, bigint, jsonb, timestamptz) from public;
grant execute on function push_frames(integer[], text, text, integer, bigint, jsonb, timestamptz) to pitchey_messaging_system;
grant execute on function tell_members(integer, integer[], text, text, bigint, jsonb, timestamptz) to pitchey_messaging;

-- ---------------------------------------------------------------------------------------- sockets
create table socket_tickets (
    digest     text        not null,
    user_id    integer     not null,
    session_id uuid        not null,
    expires_at timestamptz not null,

    constraint socket_tickets_pkey         primary key (digest),
    constraint socket_tickets_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

create index socket_tickets_user_id_idx    on socket_tickets (user_id);
create index socket_tickets_expires_at_idx on socket_tickets (expires_at);

comment on table  socket_tickets            is 'Tickets that open one socket each, for browsers, which can not send a header with it.';
comment on column socket_tickets.digest     is 'SHA-256 of the ticket in hex.';
comment on column socket_tickets.session_id is 'The session that asked; the socket lives no longer than it.';

create table socket_replicas (
    id      uuid        not null,
    seen_at timestamptz not null,

    constraint socket_replicas_pkey primary key (id)
) with (fillfactor = 50);

comment on table socket_replicas is 'Processes that hold sockets; one not seen for five seconds is gone, and its sockets with it.';

create table open_sockets (
    user_id    integer     not null,
    slot       smallint    not null,
    replica_id uuid        not null,
    session_id uuid        not null,
    opened_at  timestamptz not null,

    constraint open_sockets_pkey            primary key (user_id, slot),
    constraint open_sockets_user_id_fkey    foreign key (user_id)    references users (id)           on delete cascade,
    constraint open_sockets_replica_id_fkey foreign key (replica_id) references socket_replicas (id) on delete cascade,
    constraint open_sockets_slot_check      check (slot between 1 and 5)
);

create index open_sockets_replica_id_idx on open_sockets (replica_id);

comment on table  open_sockets      is 'Who has how many sockets open, over all replicas: five at most.';
comment on column open_sockets.slot is 'Which of the five.';

grant select, insert, update, delete on socket_tickets, socket_replicas, open_sockets to pitchey_messaging_system;
