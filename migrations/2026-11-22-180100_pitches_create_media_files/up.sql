create table media_files (
    id          serial       not null,
    pitch_id    integer      not null,
    owner_id    integer      not null,
    kind        varchar(20)  not null,
    title       varchar(200) not null,
    public      boolean      not null default false,
    media_type  varchar(100),
    size        bigint,
    sha256      text,
    object_key  text,
    link        text,
    created_at  timestamptz  not null default now(),
    replaced_at timestamptz,

    constraint media_files_pkey           primary key (id),
    constraint media_files_pitch_id_fkey  foreign key (pitch_id) references pitches (id) on delete cascade,
    constraint media_files_owner_id_fkey  foreign key (owner_id) references users (id)   on delete restrict,
    constraint media_files_kind_check     check (kind in ('poster', 'video', 'pitch_deck', 'script', 'lookbook', 'trailer', 'custom_nda')),
    constraint media_files_sha256_check   check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint media_files_size_check     check (size > 0),
    constraint media_files_place_check    check (num_nonnulls(object_key, link) = 1),
    constraint media_files_stored_check   check (num_nonnulls(object_key, media_type, size, sha256) in (0, 4)),
    constraint media_files_replaced_check check (replaced_at is null or kind = 'custom_nda')
);

-- The same file sent again is the one that is there: decides between two uploads of the same moment.
create unique index media_files_content_key on media_files (pitch_id, kind, coalesce(sha256, link)) where replaced_at is null;
create unique index media_files_object_key  on media_files (object_key) where object_key is not null;
create index        media_files_owner_id_idx on media_files (owner_id);

comment on table  media_files             is 'Files and video links of pitches; mirrored into pitches.media_files by the same transaction, but for custom NDAs.';
comment on column media_files.owner_id    is 'Who added it.';
comment on column media_files.kind        is 'What it is; custom_nda is the owner''s own agreement.';
comment on column media_files.public      is 'Everybody who may see the pitch may see it; otherwise only who may read the protected part.';
comment on column media_files.media_type  is 'What its content is, whatever the client called it.';
comment on column media_files.size        is 'In bytes.';
comment on column media_files.object_key  is 'Where its bytes lie in the object store; they never change under a key.';
comment on column media_files.link        is 'A video kept elsewhere.';
comment on column media_files.replaced_at is 'When the owner replaced this agreement by another; it stays while an NDA names it.';

grant select, insert, update, delete on media_files to pitchey_pitches, pitchey_pitches_system;
grant usage on sequence media_files_id_seq          to pitchey_pitches, pitchey_pitches_system;

comment on column pitches.media_files    is 'Mirror of media_files: array of {id, type, url, title, public, mediaType, size, sha256}, part of what a version hashes.';
comment on column pitches.custom_nda_url is 'The owner''s own NDA, a PDF: of the media_files row that is not replaced. Readable by whom it may be offered to.';

alter table ndas
    add column approved_by      integer,
    add column custom_file_id   integer,
    add column agreement        text,
    add column signed_copy      text,
    add column signed_copy_hash text,
    add constraint ndas_approved_by_fkey      foreign key (approved_by)    references users (id)       on delete restrict,
    add constraint ndas_custom_file_id_fkey   foreign key (custom_file_id) references media_files (id) on delete restrict,
    add constraint ndas_signed_copy_check     check ((signed_copy is null) = (signed_copy_hash is null)),
    add constraint ndas_signed_copy_hash_check check (signed_copy_hash ~ '^[0-9a-f]{64}$');

create index ndas_approved_by_idx    on ndas (approved_by)    where approved_by is not null;
create index ndas_custom_file_id_idx on ndas (custom_file_id) where custom_file_id is not null;

comment on column ndas.approved_by      is 'The owner who approved by hand; NULL where a policy did.';
comment on column ndas.custom_file_id   is 'The owner''s own agreement as it was when access was asked for; document is then NULL and document_hash that of the file.';
comment on column ndas.agreement        is 'The text that document sets on pages.';
comment on column ndas.signed_copy      is 'The PDF with the signature block. It names the signer''s address: base64 in AES-256-GCM ciphertext.';
comment on column ndas.signed_copy_hash is 'SHA-256 of the signed copy in hex.';

-- Until now a policy's approval was known by its time: that of the request.
update ndas set approved_by = owner_id where approved_at <> created_at;
