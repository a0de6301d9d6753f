create table ndas (
    id                  serial      not null,
    pitch_id            integer     not null,
    requester_id        integer     not null,
    owner_id            integer     not null,
    nda_type            nda_type    not null,
    status              varchar(50) not null default 'pending',
    request_message     text,
    reject_reason       text,
    signed_at           timestamptz,
    expires_at          timestamptz,
    document_url        text,
    ip_address          text,
    user_agent          text,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),

    -- added: what was asked for and offered
    pitch_version       integer     not null,
    hold_key            uuid,
    terms               text,
    expiry_days         integer,
    document            bytea,
    document_media_type varchar(50),
    document_hash       text,
    -- added: the answer and the signature
    approved_at         timestamptz,
    rejected_at         timestamptz,
    withdrawn_at        timestamptz,
    signer_name         varchar(200),
    signer_title        varchar(200),
    signer_company      varchar(200),
    receipt             jsonb,
    -- added: its end
    revoked_at          timestamptz,
    revoked_by          integer,
    revoke_reason       text,
    -- added: keeping
    reminded_at         timestamptz,
    version             bigint      not null default 1,

    constraint ndas_pkey                primary key (id),
    constraint ndas_pitch_id_fkey       foreign key (pitch_id)                references pitches (id)                      on delete restrict,
    constraint ndas_requester_id_fkey   foreign key (requester_id)            references users (id)                        on delete restrict,
    constraint ndas_owner_id_fkey       foreign key (owner_id)                references users (id)                        on delete restrict,
    constraint ndas_revoked_by_fkey     foreign key (revoked_by)              references users (id)                        on delete restrict,
    constraint ndas_pitch_version_fkey  foreign key (pitch_id, pitch_version) references pitch_versions (pitch_id, number) on delete restrict,
    constraint ndas_status_check        check (status in ('pending', 'approved', 'rejected', 'signed', 'expired', 'withdrawn', 'revoked')),
    constraint ndas_self_check          check (requester_id <> owner_id),
    constraint ndas_signed_check        check (status <> 'signed' or signed_at is not null),
    constraint ndas_revoked_check       check (status <> 'revoked' or revoked_at is not null),
    constraint ndas_expiry_days_check   check (expiry_days between 7 and 1095),
    constraint ndas_document_hash_check check (document_hash ~ '^[0-9a-f]{64}$')
);

-- One active row for a pair: decides between two requests of the same moment, and answers "may he read this".
create unique index ndas_active_key on ndas (pitch_id, requester_id) where status in ('pending', 'approved', 'signed');

create index ndas_pitch_id_idx     on ndas (pitch_id);
create index ndas_requester_id_idx on ndas (requester_id);
create index ndas_owner_id_idx     on ndas (owner_id);
create index ndas_status_idx       on ndas (status);
create index idx_ndas_pitch_status on ndas (pitch_id, status);

-- Lists of both parties, newest first, with and without a status; the requester's also counts the last 24 hours.
create index ndas_owner_created_at_idx     on ndas (owner_id, created_at desc, id desc);
create index ndas_owner_status_idx         on ndas (owner_id, status, created_at desc, id desc);
create index ndas_requester_created_at_idx on ndas (requester_id, created_at desc, id desc);
create index ndas_requester_status_idx     on ndas (requester_id, status, created_at desc, id desc);

-- Sweeps: unanswered, unsigned, run out.
create index ndas_pending_created_at_idx   on ndas (created_at)  where status = 'pending';
create index ndas_approved_at_idx          on ndas (approved_at) where status = 'approved';
create index ndas_signed_expires_at_idx    on ndas (expires_at)  where status = 'signed';
create index ndas_revoked_by_idx           on ndas (revoked_by)  where revoked_by is not null;

comment on table  ndas                     is 'Requests for, and signatures of, a confidentiality agreement: evidence, never deleted. Order: request, approve, sign, access.';
comment on column ndas.status              is 'Each transition is one conditional UPDATE on (id, expected status).';
comment on column ndas.expires_at          is 'End of the access a signature gave; compared at every read, a sweep only tidies the status.';
comment on column ndas.document_url        is 'Where the signed PDF lies.';
comment on column ndas.ip_address          is 'Signer''s address: evidence, AES-256-GCM ciphertext.';
comment on column ndas.user_agent          is 'Signer''s program: evidence, AES-256-GCM ciphertext.';
comment on column ndas.pitch_version       is 'Version of the pitch at the time of the request: what the agreement covers.';
comment on column ndas.hold_key            is 'Key of the credits held for the request; captured on approval, released or refunded otherwise.';
comment on column ndas.terms               is 'The owner''s additions, set on approval.';
comment on column ndas.expiry_days         is 'How long a signature gives access; NULL takes the rule of the type.';
comment on column ndas.document            is 'The very document that is offered, frozen at offering.';
comment on column ndas.document_media_type is 'Media type of document: text/plain or application/pdf.';
comment on column ndas.document_hash       is 'SHA-256 of document in hex; the signer must name it.';
comment on column ndas.approved_at         is 'When the owner, or the owner''s policy, approved.';
comment on column ndas.rejected_at         is 'When the owner rejected; a new request is possible 7 days later.';
comment on column ndas.withdrawn_at        is 'When the requester withdrew.';
comment on column ndas.signer_name         is 'Full name as typed by the signer.';
comment on column ndas.signer_title        is 'Position as typed by the signer.';
comment on column ndas.signer_company      is 'Company as typed by the signer.';
comment on column ndas.receipt             is 'JSON receipt signed with the platform''s key; can be verified without the platform.';
comment on column ndas.revoked_at          is 'When access ended by revocation.';
comment on column ndas.revoked_by          is 'The pitch owner or an admin.';
comment on column ndas.revoke_reason       is 'Reason given for the revocation.';
comment on column ndas.reminded_at         is 'When the owner was last reminded of an open request.';
comment on column ndas.version             is 'Raised under the row lock with every transition.';

create table nda_policies (
    user_id    integer     not null,
    policy     varchar(20) not null default 'never',
    updated_at timestamptz not null default now(),

    constraint nda_policies_pkey         primary key (user_id),
    constraint nda_policies_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint nda_policies_policy_check check (policy in ('never', 'verified', 'all'))
);

comment on table  nda_policies        is 'Whose requests an owner approves automatically. A policy approves; it never signs. No row means never.';
comment on column nda_policies.policy is 'never, verified (verified buyers) or all.';

create function nda_policy_for(owner_id integer) returns text
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    select coalesce((select policy::text from nda_policies where user_id = nda_policy_for.owner_id), 'never')
$$;

comment on function nda_policy_for(integer) is
    'The policy of a pitch owner, for a request made by somebody else: the row itself is visible to its owner only.';

revoke all on function nda_policy_for(integer) from public;
grant execute on function nda_policy_for(integer) to pitchey_pitches, pitchey_pitches_system;

grant select, insert, update         on ndas         to pitchey_pitches, pitchey_pitches_system;
grant usage                          on sequence ndas_id_seq to pitchey_pitches, pitchey_pitches_system;
grant select, insert, update         on nda_policies to pitchey_pitches;
grant select, insert, update, delete on nda_policies to pitchey_pitches_system;

alter table ndas         enable row level security;
alter table ndas         force  row level security;
alter table nda_policies enable row level security;
alter table nda_policies force  row level security;

-- Both parties see and move it; only the requester makes one.
create policy ndas_read   on ndas for select to pitchey_pitches using (requester_id = (select app_uid()) or owner_id = (select app_uid()));
create policy ndas_insert on ndas for insert to pitchey_pitches with check (requester_id = (select app_uid()));
create policy ndas_update on ndas for update to pitchey_pitches
    using      (requester_id = (select app_uid()) or owner_id = (select app_uid()))
    with check (requester_id = (select app_uid()) or owner_id = (select app_uid()));
create policy ndas_system on ndas to pitchey_pitches_system using (true) with check (true);

create policy nda_policies_user   on nda_policies to pitchey_pitches        using (user_id = (select app_uid())) with check (user_id = (select app_uid()));
create policy nda_policies_system on nda_policies to pitchey_pitches_system using (true) with check (true);
