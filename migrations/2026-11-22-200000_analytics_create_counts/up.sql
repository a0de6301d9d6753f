-- What analytics counts, and what it needs to count.

-- ---------------------------------------------------------------------------------------- raw rows

alter table pitch_views
    add column protected boolean not null default false;
comment on column pitch_views.protected is 'Whether the protected part was shown at least once during this view.';

-- Rows come in about the order of their times: some pages of summary find a day, at no cost to the writer.
create index pitch_views_created_at_idx      on pitch_views      using brin (created_at) with (pages_per_range = 16);
create index analytics_events_created_at_idx on analytics_events using brin (created_at) with (pages_per_range = 16);

alter table analytics_events
    add column pitch_id integer,
    add column origin   varchar(10) not null default 'client',
    add constraint analytics_events_origin_check check (origin in ('client', 'platform'));
create index analytics_events_pitch_id_idx on analytics_events (pitch_id, created_at desc) where pitch_id is not null;
comment on column analytics_events.pitch_id is 'The pitch it is about. Not a foreign key: clients may say anything.';
comment on column analytics_events.origin   is 'Who says so: a client, or the platform itself, whose event type it then is, without the version.';

-- Erasure also empties the client's own words.
grant update (event_label) on analytics_events to pitchey_analytics_system;

-- ---------------------------------------------------------------------------------------- telling viewers apart

create table view_salts (
    day  date  not null,
    salt bytea not null,

    constraint view_salts_pkey       primary key (day),
    constraint view_salts_salt_check check (octet_length(salt) = 32)
);
comment on table  view_salts      is 'The random salt of a day (UTC) under which anonymous viewers are hashed. Thrown away 48 hours after the day began: from then on nobody can tell who was who.';
comment on column view_salts.salt is 'Never leaves the database but for hashing.';

create table pitch_viewers (
    pitch_id        integer     not null,
    viewer          bytea       not null,
    viewer_id       integer,
    viewer_type     varchar(50) not null,
    views           integer     not null,
    protected_views integer     not null,
    seconds         bigint      not null,
    first_at        timestamptz not null,
    last_at         timestamptz not null,
    last_source     varchar(100) not null,
    last_seconds    integer,
    last_protected  boolean     not null,

    constraint pitch_viewers_pkey         primary key (pitch_id, viewer),
    constraint pitch_viewers_viewer_check check (octet_length(viewer) in (4, 16)),
    constraint pitch_viewers_type_check   check (viewer_type in ('creator', 'production', 'investor', 'viewer', 'anonymous'))
) with (fillfactor = 85);
create index pitch_viewers_last_at_idx   on pitch_viewers (pitch_id, last_at desc, viewer);
create index pitch_viewers_viewer_id_idx on pitch_viewers (viewer_id, last_at desc) where viewer_id is not null;

comment on table  pitch_viewers                 is 'Sum of pitch_views by pitch and viewer: who saw a pitch, when last; decides whether a view is a new one.';
comment on column pitch_viewers.viewer          is 'A user''s id in four bytes, or the hash of somebody not logged in, as in pitch_views.anonymous_hash.';
comment on column pitch_viewers.viewer_id       is 'The user; NULL for somebody not logged in, or erased.';
comment on column pitch_viewers.viewer_type     is 'As at the last view.';
comment on column pitch_viewers.protected_views is 'Views during which the protected part was shown.';
comment on column pitch_viewers.last_at         is 'Beginning of the last counted view.';
comment on column pitch_viewers.last_source     is 'That of the row of pitch_views that began at last_at; also last_seconds and last_protected are that row''s.';

-- ---------------------------------------------------------------------------------------- what is known of pitches

create table tracked_pitches (
    pitch_id           integer     not null,
    owner_id           integer     not null,
    title              varchar(200),
    first_published_at timestamptz,
    deleted_at         timestamptz,

    constraint tracked_pitches_pkey primary key (pitch_id)
);
create index tracked_pitches_owner_id_idx on tracked_pitches (owner_id, pitch_id);

comment on table  tracked_pitches                    is 'What events have told of pitches: enough to count and to name them. Not a foreign key of anything.';
comment on column tracked_pitches.title              is 'As last heard; public.';
comment on column tracked_pitches.first_published_at is 'Where the age of a trending pitch begins. NULL: not heard of.';
comment on column tracked_pitches.deleted_at         is 'Not counted nor shown from then on.';

create table pitch_totals (
    pitch_id         integer     not null,
    views            bigint      not null default 0,
    protected_views  bigint      not null default 0,
    seconds          bigint      not null default 0,
    viewers          bigint      not null default 0,
    version          bigint      not null default 0,
    announced        bigint      not null default 0,
    announced_at     timestamptz,

    constraint pitch_totals_pkey        primary key (pitch_id),
    constraint pitch_totals_views_check check (views >= 0 and viewers between 0 and views)
) with (fillfactor = 70);
create index pitch_totals_unannounced_idx on pitch_totals (pitch_id) where announced < version;

comment on table  pitch_totals              is 'Sum of pitch_views by pitch, for ever.';
comment on column pitch_totals.viewers      is 'Rows of pitch_viewers.';
comment on column pitch_totals.version      is 'Raised with each change of views: the version of pitch.views_counted.';
comment on column pitch_totals.announced    is 'Version that was last told.';
comment on column pitch_totals.announced_at is 'When; the next may be told five seconds later.';

-- ---------------------------------------------------------------------------------------- rollups

create table pitch_view_hours (
    pitch_id        integer      not null,
    hour            timestamptz  not null,
    viewer_type     varchar(50)  not null,
    source          varchar(100) not null,
    views           integer      not null,
    protected_views integer      not null,
    timed_views     integer      not null,
    seconds         bigint       not null,

    constraint pitch_view_hours_pkey primary key (pitch_id, hour, viewer_type, source)
) with (fillfactor = 85);

create table pitch_view_days (
    pitch_id        integer      not null,
    day             date         not null,
    viewer_type     varchar(50)  not null,
    source          varchar(100) not null,
    views           integer      not null,
    protected_views integer      not null,
    timed_views     integer      not null,
    seconds         bigint       not null,

    constraint pitch_view_days_pkey primary key (pitch_id, day, viewer_type, source)
) with (fillfactor = 85);

comment on table pitch_view_hours is 'Sum of pitch_views by hour. Kept 35 days; older hours are in pitch_view_days.';
comment on table pitch_view_days  is 'Sum of pitch_views by day (UTC).';
comment on column pitch_view_hours.timed_views is 'Views of which somebody said how long they took: what seconds is the sum of.';
comment on column pitch_view_days.timed_views  is 'As in pitch_view_hours.';

create table activity_hours (
    subject_type varchar(10) not null,
    subject_id   integer     not null,
    hour         timestamptz not null,
    action       varchar(50) not null,
    amount       bigint      not null,

    constraint activity_hours_pkey          primary key (subject_type, subject_id, hour, action),
    constraint activity_hours_subject_check check (subject_type in ('pitch', 'owner', 'member', 'platform'))
) with (fillfactor = 85);

create table activity_days (
    subject_type varchar(10) not null,
    subject_id   integer     not null,
    day          date        not null,
    action       varchar(50) not null,
    amount       bigint      not null,

    constraint activity_days_pkey          primary key (subject_type, subject_id, day, action),
    constraint activity_days_subject_check check (subject_type in ('pitch', 'owner', 'member', 'platform'))
) with (fillfactor = 85);

comment on table  activity_hours              is 'Sum of the platform''s rows of analytics_events by hour: what happened to a pitch, to an owner and the own pitches, what a member did, and all of it. Kept 35 days.';
comment on table  activity_days               is 'As activity_hours, by day (UTC), kept.';
comment on column activity_hours.subject_type is 'Whose sum: a pitch''s, an owner''s (user), that of the user on the other side, or of the whole platform (subject_id 0).';
comment on column activity_hours.action       is 'As nda.requested; credits count in credits, everything else in occurrences.';
comment on column activity_days.subject_type  is 'As in activity_hours.';

create table nda_timings (
    nda_id       integer not null,
    pitch_id     integer not null,
    owner_id     integer not null,
    requester_id integer not null,
    requested_at timestamptz,
    answered_at  timestamptz,
    by_policy    boolean not null default false,

    constraint nda_timings_pkey primary key (nda_id)
);
create index nda_timings_owner_id_idx     on nda_timings (owner_id, answered_at);
create index nda_timings_pitch_id_idx     on nda_timings (pitch_id, answered_at);
create index nda_timings_requester_id_idx on nda_timings (requester_id, answered_at);

comment on table  nda_timings              is 'When NDAs were asked for and answered, for the median answer time. Events come in any order, so either may be missing.';
comment on column nda_timings.answered_at  is 'When the owner said yes or no.';
comment on column nda_timings.by_policy    is 'A policy answered: no measure of anybody''s speed.';

create table active_days (
    day     date    not null,
    user_id integer not null,

    constraint active_days_pkey primary key (day, user_id)
);
create index active_days_user_id_idx on active_days (user_id);

comment on table active_days is 'Who did something on which day (UTC). Kept 13 months.';

-- ---------------------------------------------------------------------------------------- grants

-- Users' requests read; what is counted, consumers count.
grant select on pitch_viewers, tracked_pitches, pitch_totals, pitch_view_hours, pitch_view_days,
    activity_hours, activity_days, nda_timings, active_days, maintenance_runs to pitchey_analytics;
grant select, insert, update, delete on view_salts, pitch_viewers, tracked_pitches, pitch_totals, pitch_view_hours,
    pitch_view_days, activity_hours, activity_days, nda_timings, active_days to pitchey_analytics_system;
