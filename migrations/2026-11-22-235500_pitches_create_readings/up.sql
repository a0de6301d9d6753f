create table genre_readings (
    user_id integer     not null,
    genre   genre       not null,
    times   integer     not null,
    last_at timestamptz not null,

    constraint genre_readings_pkey         primary key (user_id, genre),
    constraint genre_readings_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint genre_readings_times_check  check (times >= 1)
);

comment on table  genre_readings         is 'How often a user opened pitches of a genre: for recommendations. Not which pitches.';
comment on column genre_readings.last_at is 'When the last of them was opened.';

alter table genre_readings enable row level security;
alter table genre_readings force  row level security;

create policy genre_readings_user   on genre_readings to pitchey_pitches        using (user_id = (select app_uid()));
create policy genre_readings_system on genre_readings to pitchey_pitches_system using (true) with check (true);

grant select                         on genre_readings to pitchey_pitches;
grant select, insert, update, delete on genre_readings to pitchey_pitches_system;
