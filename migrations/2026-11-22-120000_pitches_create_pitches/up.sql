create type pitch_status as enum ('draft', 'published', 'hidden', 'archived');
create type nda_type     as enum ('basic', 'enhanced', 'custom');
create type genre        as enum ('drama', 'comedy', 'thriller', 'horror', 'scifi', 'fantasy', 'documentary', 'animation', 'action', 'romance', 'other');
create type format       as enum ('feature', 'tv', 'short', 'webseries', 'other');

create table pitches (
    id                    serial       not null,
    user_id               integer      not null,
    title                 varchar(200) not null,
    logline               text         not null,
    genre                 genre        not null,
    format                format       not null,
    short_synopsis        text,
    long_synopsis         text,
    opener                text,
    premise               text,
    target_audience       text,
    budget                varchar(100),
    comparables           jsonb,
    key_talent            jsonb,
    themes                jsonb,
    why_now               text,
    personal_connection   text,
    thumbnail_url         text,
    media_files           jsonb,
    status                pitch_status not null default 'draft',
    views                 integer      not null default 0,
    requires_nda          boolean      not null default false,
    nda_type              nda_type,
    custom_nda_url        text,
    stage                 varchar(50),
    completion_percentage integer,
    created_at            timestamptz  not null default now(),
    updated_at            timestamptz  not null default now(),
    published_at          timestamptz,

    -- added: input of the public contract
    description           text,
    characters            jsonb,
    world_description     text,
    estimated_budget      varchar(100),
    format_category       varchar(100),
    seeking_investment    boolean      not null default false,
    -- added: life cycle
    custom_nda_sha256     text,
    hidden_by             varchar(20),
    status_before_archive pitch_status,
    deleted_at            timestamptz,
    version               bigint       not null default 1,
    -- added: cached counts
    like_count            integer      not null default 0,
    nda_count             integer      not null default 0,
    comment_count         integer      not null default 0,

    constraint pitches_pkey                        primary key (id),
    constraint pitches_user_id_fkey                foreign key (user_id) references users (id) on delete restrict,
    constraint pitches_views_check                 check (views >= 0),
    constraint pitches_counts_check                check (like_count >= 0 and nda_count >= 0 and comment_count >= 0),
    constraint pitches_completion_percentage_check check (completion_percentage between 0 and 100),
    constraint pitches_custom_nda_sha256_check     check (custom_nda_sha256 ~ '^[0-9a-f]{64}$'),
    constraint pitches_hidden_by_check             check (hidden_by in ('owner', 'moderator')),
    constraint pitches_hidden_check                check (status <> 'hidden' or hidden_by is not null),
    constraint pitches_archived_check              check ((status = 'archived') = (status_before_archive is not null) and status_before_archive <> 'archived'),
    constraint pitches_published_check             check (status <> 'published' or (published_at is not null and deleted_at is null and hidden_by is null))
) with (fillfactor = 85);  -- views and the other counts change often and are in no index: the new row stays on its page

create index pitches_user_id_idx on pitches (user_id);
create index pitches_status_idx  on pitches (status);
create index pitches_genre_idx   on pitches (genre);

-- The owner's list; public lists, whole, by genre and by format; the feed of followed users.
create index pitches_user_created_at_idx     on pitches (user_id, created_at desc, id desc) where deleted_at is null;
create index pitches_user_status_idx         on pitches (user_id, status, created_at desc, id desc) where deleted_at is null;
create index pitches_published_at_idx        on pitches (published_at desc, id desc)          where status = 'published';
create index pitches_genre_published_at_idx  on pitches (genre, published_at desc, id desc)   where status = 'published';
create index pitches_format_published_at_idx on pitches (format, published_at desc, id desc)  where status = 'published';
create index pitches_user_published_at_idx   on pitches (user_id, published_at desc, id desc) where status = 'published';

create function pitch_public_document(
    title text, logline text, short_synopsis text, target_audience text, why_now text, themes jsonb, comparables jsonb
) returns tsvector
    language sql immutable parallel safe
    return setweight(to_tsvector('english', coalesce(title, '')), 'A')
        || setweight(to_tsvector('english', coalesce(logline, '')), 'B')
        || setweight(to_tsvector('english', coalesce(themes, '[]')), 'B')
        || setweight(to_tsvector('english', coalesce(short_synopsis, '')), 'C')
        || setweight(to_tsvector('english', coalesce(target_audience, '') || ' ' || coalesce(why_now, '')), 'D')
        || setweight(to_tsvector('english', coalesce(comparables, '[]')), 'D');

comment on function pitch_public_document(text, text, text, text, text, jsonb, jsonb) is
    'The public text of a pitch for full-text search; protected text never enters it. A search calls it with the columns in this order and status = ''published'', and is answered by pitches_public_search_idx.';

create index pitches_public_search_idx on pitches
    using gin (pitch_public_document(title, logline, short_synopsis, target_audience, why_now, themes, comparables))
    where status = 'published';

comment on table  pitches                       is 'Pitches of creators and production companies. Owned by pitches; public reads go through one projection function.';
comment on column pitches.user_id               is 'The owner: a creator or a production company.';
comment on column pitches.comparables           is 'Array of strings or objects {title, year, note}.';
comment on column pitches.key_talent            is 'Array of objects {name, role, attached}.';
comment on column pitches.themes                is 'Array of strings.';
comment on column pitches.media_files           is 'Mirror of the media of this pitch: array of {id, type, url, title, public}.';
comment on column pitches.views                 is 'Cached sum over pitch_views, set to the absolute number by an event of analytics, without touching updated_at.';
comment on column pitches.custom_nda_url        is 'The owner''s own NDA, a PDF. Readable by whom it may be offered to.';
comment on column pitches.completion_percentage is 'Computed from the filled fields.';
comment on column pitches.published_at          is 'Set once, at the first publication.';
comment on column pitches.description           is 'Protected text.';
comment on column pitches.characters            is 'Protected: array of objects {name, description}.';
comment on column pitches.world_description     is 'Protected text.';
comment on column pitches.estimated_budget      is 'Public budget band.';
comment on column pitches.format_category       is 'What the client called the format where it has no value of its own (documentary, animation).';
comment on column pitches.seeking_investment    is 'Public: the owner looks for investors.';
comment on column pitches.custom_nda_sha256     is 'SHA-256 of the custom NDA in hex: what is offered and signed.';
comment on column pitches.hidden_by             is 'Who hid it. What a moderator hid its owner cannot publish; kept while the hidden pitch is archived.';
comment on column pitches.status_before_archive is 'Where an archived pitch returns to.';
comment on column pitches.deleted_at            is 'Tombstone of a pitch that was once published: content erased, ids, version hashes and receipts kept.';
comment on column pitches.version               is 'Raised under the row lock with every change but the counts; the subject version of pitch.changed, compared with If-Match.';
comment on column pitches.like_count            is 'Cached count of likes.';
comment on column pitches.nda_count             is 'Cached count of signed NDAs.';
comment on column pitches.comment_count         is 'Cached count of comments.';

create table pitch_versions (
    pitch_id       integer     not null,
    number         integer     not null,
    content        text,
    content_sha256 text        not null,
    author_id      integer     not null,
    receipt        jsonb,
    created_at     timestamptz not null default now(),

    constraint pitch_versions_pkey                 primary key (pitch_id, number),
    constraint pitch_versions_pitch_id_fkey        foreign key (pitch_id)  references pitches (id) on delete cascade,
    constraint pitch_versions_author_id_fkey       foreign key (author_id) references users (id)   on delete restrict,
    constraint pitch_versions_number_check         check (number >= 1),
    constraint pitch_versions_content_sha256_check check (content_sha256 ~ '^[0-9a-f]{64}$')
);

create index pitch_versions_author_id_idx on pitch_versions (author_id);

comment on table  pitch_versions                is 'Every change of a pitch''s content, immutable. NDAs name the version they cover.';
comment on column pitch_versions.number         is '1, 2, 3 ... within the pitch.';
comment on column pitch_versions.content        is 'Canonical JSON, as text because its very bytes are hashed. NULL after the pitch was deleted: the hash stays.';
comment on column pitch_versions.content_sha256 is 'SHA-256 of content, in hex.';
comment on column pitch_versions.author_id      is 'Who made the change.';
comment on column pitch_versions.receipt        is 'Signed statement of authorship and time.';

create function pitch_versions_refuse_change() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    -- Two things may happen to a version: its content is erased, a missing receipt is added.
    if (new.pitch_id, new.number, new.content_sha256, new.author_id, new.created_at)
           is distinct from (old.pitch_id, old.number, old.content_sha256, old.author_id, old.created_at)
       or (new.content is not null and new.content is distinct from old.content)
       or (old.receipt is not null and new.receipt is distinct from old.receipt)
    then
        raise exception using
            errcode    = 'insufficient_privilege',
            message    = 'a pitch version is immutable',
            table      = 'pitch_versions',
            constraint = 'pitch_versions_immutable';
    end if;
    return new;
end
$$;

comment on function pitch_versions_refuse_change() is 'Keeps versions immutable, but for erasing the content and adding a missing receipt.';
revoke all on function pitch_versions_refuse_change() from public;

create trigger pitch_versions_immutable
    before update on pitch_versions
    for each row execute function pitch_versions_refuse_change();

grant select, insert, update, delete      on pitches        to pitchey_pitches, pitchey_pitches_system;
grant usage                               on sequence pitches_id_seq to pitchey_pitches, pitchey_pitches_system;
grant select, insert                      on pitch_versions to pitchey_pitches, pitchey_pitches_system;
grant update (content, receipt)           on pitch_versions to pitchey_pitches, pitchey_pitches_system;
grant execute on function pitch_public_document(text, text, text, text, text, jsonb, jsonb) to pitchey_pitches, pitchey_pitches_system;
