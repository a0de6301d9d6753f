create table conversations (
    id              serial       not null,
    title           varchar(255),
    type            varchar(50)  not null default 'direct',
    pitch_id        integer,
    is_archived     boolean      not null default false,
    metadata        jsonb,
    created_at      timestamptz  not null default now(),
    updated_at      timestamptz  not null default now(),

    -- added
    created_by      integer,
    user_low_id     integer,
    user_high_id    integer,
    signer_id       integer,
    last_message_at timestamptz,
    version         bigint       not null default 1,

    constraint conversations_pkey                 primary key (id),
    constraint conversations_pitch_id_fkey        foreign key (pitch_id)     references pitches (id) on delete restrict,
    constraint conversations_created_by_fkey      foreign key (created_by)   references users (id)   on delete restrict,
    constraint conversations_user_low_id_fkey     foreign key (user_low_id)  references users (id)   on delete restrict,
    constraint conversations_user_high_id_fkey    foreign key (user_high_id) references users (id)   on delete restrict,
    constraint conversations_signer_id_fkey       foreign key (signer_id)    references users (id)   on delete restrict,
    constraint conversations_type_check           check (type in ('direct', 'group', 'pitch_discussion')),
    constraint conversations_direct_check         check (
        case when type = 'direct' then user_low_id is not null and user_high_id is not null and user_low_id < user_high_id
             else user_low_id is null and user_high_id is null end),
    constraint conversations_discussion_check     check (
        case when type = 'pitch_discussion' then pitch_id is not null and signer_id is not null
             else signer_id is null end)
) with (fillfactor = 85);  -- last_message_at, version and updated_at change with every message and are in no index

-- Also under concurrency: one direct conversation for an unordered pair, one discussion for a pitch and its signer.
create unique index conversations_direct_key     on conversations (user_low_id, user_high_id) where type = 'direct';
create unique index conversations_discussion_key on conversations (pitch_id, signer_id)       where type = 'pitch_discussion';

create index conversations_pitch_id_idx     on conversations (pitch_id)     where pitch_id is not null;
create index conversations_created_by_idx   on conversations (created_by)   where created_by is not null;
create index conversations_user_high_id_idx on conversations (user_high_id) where user_high_id is not null;
create index conversations_signer_id_idx    on conversations (signer_id)    where signer_id is not null;

comment on table  conversations                 is 'Direct and group conversations, and the discussion of a pitch between its owner and one signer.';
comment on column conversations.metadata        is 'An object documented by messaging.';
comment on column conversations.created_by      is 'Who opened it; NULL when the system did.';
comment on column conversations.user_low_id     is 'Direct only: the smaller id of the pair.';
comment on column conversations.user_high_id    is 'Direct only: the greater id of the pair.';
comment on column conversations.signer_id       is 'Discussion of a pitch only: whose signed NDA opened it.';
comment on column conversations.last_message_at is 'Time of the newest message, to sort lists.';
comment on column conversations.version         is 'Raised under the row lock with every change.';

create table conversation_participants (
    id                        serial      not null,
    conversation_id           integer     not null,
    user_id                   integer     not null,
    role                      varchar(50) not null default 'member',
    joined_at                 timestamptz not null default now(),
    last_read_at              timestamptz,
    is_active                 boolean     not null default true,

    -- added
    last_read_message_id      bigint,
    last_delivered_message_id bigint,
    left_at                   timestamptz,

    constraint conversation_participants_pkey                  primary key (id),
    constraint conversation_participants_conversation_user_key unique (conversation_id, user_id),
    constraint conversation_participants_conversation_id_fkey  foreign key (conversation_id) references conversations (id) on delete cascade,
    constraint conversation_participants_user_id_fkey          foreign key (user_id)         references users (id)         on delete restrict,
    constraint conversation_participants_role_check            check (role in ('owner', 'member')),
    constraint conversation_participants_left_check            check (is_active = (left_at is null))
) with (fillfactor = 80);  -- the two positions move with every message and are in no index

-- Whose conversations, answered from the index alone; row level security asks it in every statement.
create index conversation_participants_user_id_idx on conversation_participants (user_id, is_active) include (conversation_id, left_at);

comment on table  conversation_participants                           is 'Members of conversations, and how far each has read.';
comment on column conversation_participants.last_read_at              is 'Never moves back.';
comment on column conversation_participants.is_active                 is 'false: sees nothing newer than left_at and may not write.';
comment on column conversation_participants.last_read_message_id      is 'The truth for unread counts: all up to this message is read. Never moves back.';
comment on column conversation_participants.last_delivered_message_id is 'All up to this message was delivered. Never moves back.';
comment on column conversation_participants.left_at                   is 'When the membership ended; NULL while it is active.';

create table typing_indicators (
    id              serial      not null,
    conversation_id integer     not null,
    user_id         integer     not null,
    started_at      timestamptz not null default now(),
    expires_at      timestamptz not null default now() + interval '6 seconds',

    constraint typing_indicators_pkey                  primary key (id),
    constraint typing_indicators_conversation_user_key unique (conversation_id, user_id),
    constraint typing_indicators_conversation_id_fkey  foreign key (conversation_id) references conversations (id) on delete cascade,
    constraint typing_indicators_user_id_fkey          foreign key (user_id)         references users (id)         on delete cascade
) with (fillfactor = 50);

create index typing_indicators_user_id_idx on typing_indicators (user_id);

comment on table typing_indicators is 'Who is typing; a row counts for six seconds.';


-- ---------------------------------------------------------------------------------------- membership
-- A policy that read conversation_participants itself would recurse, so these run as the owner. Those that return sets
-- take no argument: a statement runs them once and looks its rows up in the result. Those with an argument are asked
-- for single rows. plpgsql rather than SQL, because it keeps its plans for the session: a page of messages costs
-- 0.08 ms more than without row level security, not 0.16.

create function app_conversation_ids() returns setof integer
    language plpgsql stable security definer rows 100
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    return query select conversation_id from conversation_participants where user_id = app_uid();
end
$$;

create function app_active_conversation_ids() returns setof integer
    language plpgsql stable security definer rows 100
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    return query select conversation_id from conversation_participants where user_id = app_uid() and is_active;
end
$$;

create function app_ended_conversations(out conversation_id integer, out left_at timestamptz) returns setof record
    language plpgsql stable security definer rows 10
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    return query select p.conversation_id, p.left_at from conversation_participants as p where p.user_id = app_uid() and not p.is_active;
end
$$;

create function app_opens_conversation(conversation_id integer) returns boolean
    language plpgsql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    return exists (select from conversations as c where c.id = $1 and c.created_by = app_uid())
       and not exists (select from conversation_participants as p where p.conversation_id = $1 and p.user_id = app_uid());
end
$$;

create function app_is_participant(conversation_id integer) returns boolean
    language plpgsql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    return exists (select from conversation_participants as p where p.conversation_id = $1 and p.user_id = app_uid());
end
$$;

create function app_owns_conversation(conversation_id integer) returns boolean
    language plpgsql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    return exists (
        select from conversation_participants as p
        where p.conversation_id = $1 and p.user_id = app_uid() and p.role = 'owner' and p.is_active);
end
$$;

comment on function app_conversation_ids()            is 'Conversations of which the acting user is or was a member.';
comment on function app_active_conversation_ids()     is 'Conversations of which the acting user is a member now.';
comment on function app_ended_conversations()         is 'Conversations the acting user has left or was put out of, and when: older messages stay readable.';
comment on function app_opens_conversation(integer)   is 'The acting user has made this conversation and is not yet a member: the moment between the two inserts.';
comment on function app_is_participant(integer)       is 'The acting user is or was a member of this conversation.';
comment on function app_owns_conversation(integer)    is 'The acting user is an active owner of this conversation.';

revoke all on function app_conversation_ids(), app_active_conversation_ids(), app_ended_conversations(),
    app_opens_conversation(integer), app_is_participant(integer), app_owns_conversation(integer) from public;
grant execute on function app_conversation_ids(), app_active_conversation_ids(), app_ended_conversations(),
    app_opens_conversation(integer), app_is_participant(integer), app_owns_conversation(integer) to pitchey_messaging;

grant select, insert, update         on conversations             to pitchey_messaging, pitchey_messaging_system;
grant select, insert, update         on conversation_participants to pitchey_messaging, pitchey_messaging_system;
grant select, insert, update, delete on typing_indicators         to pitchey_messaging, pitchey_messaging_system;
grant usage on sequence conversations_id_seq, conversation_participants_id_seq, typing_indicators_id_seq to pitchey_messaging, pitchey_messaging_system;

alter table conversations             enable row level security;
alter table conversations             force  row level security;
alter table conversation_participants enable row level security;
alter table conversation_participants force  row level security;

-- Who opens a conversation must see the row (RETURNING) before being a member; afterwards membership decides.
create policy conversations_read on conversations for select to pitchey_messaging
    using (id in (select app_conversation_ids()) or (created_by = (select app_uid()) and not app_is_participant(id)));
create policy conversations_insert on conversations for insert to pitchey_messaging
    with check (created_by = (select app_uid()));
create policy conversations_update on conversations for update to pitchey_messaging
    using (id in (select app_active_conversation_ids())) with check (id in (select app_active_conversation_ids()));
create policy conversations_system on conversations to pitchey_messaging_system using (true) with check (true);

-- Members see each other; members add members; one changes the own row, an owner everybody's.
create policy conversation_participants_read on conversation_participants for select to pitchey_messaging
    using (conversation_id in (select app_conversation_ids()) or app_opens_conversation(conversation_id));
create policy conversation_participants_insert on conversation_participants for insert to pitchey_messaging
    with check (conversation_id in (select app_active_conversation_ids()) or app_opens_conversation(conversation_id));
create policy conversation_participants_update on conversation_participants for update to pitchey_messaging
    using      (user_id = (select app_uid()) or app_owns_conversation(conversation_id))
    with check (user_id = (select app_uid()) or app_owns_conversation(conversation_id));
create policy conversation_participants_system on conversation_participants to pitchey_messaging_system using (true) with check (true);
