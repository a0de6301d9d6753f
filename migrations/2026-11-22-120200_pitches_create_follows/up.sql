create table follows (
    id           serial      not null,
    follower_id  integer     not null,
    following_id integer,
    pitch_id     integer,
    created_at   timestamptz not null default now(),

    constraint follows_pkey                   primary key (id),
    constraint follows_follower_following_key unique (follower_id, following_id),
    constraint follows_follower_pitch_key     unique (follower_id, pitch_id),
    constraint follows_follower_id_fkey       foreign key (follower_id)  references users (id)   on delete cascade,
    constraint follows_following_id_fkey      foreign key (following_id) references users (id)   on delete cascade,
    constraint follows_pitch_id_fkey          foreign key (pitch_id)     references pitches (id) on delete cascade,
    constraint follows_target_check           check (num_nonnulls(following_id, pitch_id) = 1),
    constraint follows_self_check             check (follower_id <> following_id)
);

-- Followed users and the watch list of a user, followers of a user and of a pitch: newest first.
create index follows_follower_users_idx   on follows (follower_id, created_at desc, id desc) where following_id is not null;
create index follows_follower_pitches_idx on follows (follower_id, created_at desc, id desc) where pitch_id is not null;
create index follows_following_id_idx     on follows (following_id, created_at desc, id desc) where following_id is not null;
create index follows_pitch_id_idx         on follows (pitch_id, created_at desc, id desc)     where pitch_id is not null;

comment on table  follows              is 'Who follows which user or which pitch. The followed pitches are the watch list.';
comment on column follows.following_id is 'The followed user; exactly one of this and pitch_id is set.';
comment on column follows.pitch_id     is 'The followed pitch; exactly one of this and following_id is set.';

grant select, insert, delete on follows to pitchey_pitches, pitchey_pitches_system;
grant usage on sequence follows_id_seq  to pitchey_pitches, pitchey_pitches_system;
