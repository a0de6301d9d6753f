-- What is searched of published pitches, apart from their rows: those are wide, and change with every count.
create table pitch_search (
    pitch_id           integer      not null,
    user_id            integer      not null,
    published_at       timestamptz  not null,
    genre              genre        not null,
    format             format       not null,
    stage              varchar(50),
    estimated_budget   varchar(100),
    seeking_investment boolean      not null,
    title_key          text         not null,
    document           tsvector     not null,

    constraint pitch_search_pkey          primary key (pitch_id),
    constraint pitch_search_pitch_id_fkey foreign key (pitch_id) references pitches (id) on delete cascade
);

-- Searches read it all the time; publications are rare: no list of pending entries.
create index pitch_search_document_idx     on pitch_search using gin (document) with (fastupdate = off);
create index pitch_search_published_at_idx on pitch_search (published_at desc, pitch_id desc);
create index pitch_search_title_key_idx    on pitch_search (title_key text_pattern_ops, pitch_id);

create function pitch_title_key(title text) returns text
    language sql immutable parallel safe
    return regexp_replace(lower(btrim(title)), '^(the|an|a)\s+', '');

comment on function pitch_title_key(text) is 'A title as people begin to type it: small letters, no article.';

create function pitch_week(at timestamptz) returns integer
    language sql immutable parallel safe
    return floor(extract(epoch from at) / 604800)::integer;

comment on function pitch_week(timestamptz) is 'Number of the week since 1970 in UTC.';

create function pitch_search_document(
    title text, logline text, short_synopsis text, target_audience text, why_now text, themes jsonb, comparables jsonb,
    genre genre, format format, stage text, estimated_budget text, seeking_investment boolean, published_at timestamptz
) returns tsvector
    language sql immutable parallel safe
    return pitch_public_document(title, logline, short_synopsis, target_audience, why_now, themes, comparables)
        || array_to_tsvector(array_remove(array[
               '=g:' || genre::text,
               '=f:' || format::text,
               '=g:' || genre::text || '/' || format::text,
               '=s:' || nullif(lower(btrim(stage)), ''),
               '=e:' || nullif(lower(btrim(estimated_budget)), ''),
               case when seeking_investment then '=i' end,
               '=w:' || pitch_week(published_at),
               '=b:' || pitch_week(published_at) / 16
           ], null));

comment on function pitch_search_document is
    'The public text of a pitch, and words that no text can have, for what searches are narrowed to: genre, format, both, stage, estimated budget, '
    'whether it seeks investment, and the week and the block of 16 weeks of its publication. So one look into one index answers them together.';

create function pitch_search_follow() returns trigger
    language plpgsql
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    if new.status = 'published' then
        insert into pitch_search values (
            new.id, new.user_id, new.published_at, new.genre, new.format, nullif(btrim(new.stage), ''),
            nullif(btrim(new.estimated_budget), ''), new.seeking_investment, pitch_title_key(new.title),
            pitch_search_document(
                new.title, new.logline, new.short_synopsis, new.target_audience, new.why_now, new.themes, new.comparables,
                new.genre, new.format, new.stage, new.estimated_budget, new.seeking_investment, new.published_at
            )
        )
        on conflict (pitch_id) do update set
            user_id = excluded.user_id, published_at = excluded.published_at, genre = excluded.genre, format = excluded.format,
            stage = excluded.stage, estimated_budget = excluded.estimated_budget,
            seeking_investment = excluded.seeking_investment, title_key = excluded.title_key, document = excluded.document;
    else
        delete from pitch_search where pitch_id = new.id;
    end if;
    return null;
end
$$;

revoke all on function pitch_search_follow() from public;

comment on function pitch_search_follow() is 'Keeps pitch_search at what pitches says, whoever writes it.';

create trigger pitches_searched
    after insert or update of
        status, user_id, published_at, title, logline, short_synopsis, target_audience, why_now, themes, comparables, genre,
        format, stage, estimated_budget, seeking_investment
    on pitches
    for each row execute function pitch_search_follow();

insert into pitch_search
select id, user_id, published_at, genre, format, nullif(btrim(stage), ''), nullif(btrim(estimated_budget), ''),
       seeking_investment, pitch_title_key(title),
       pitch_search_document(
           title, logline, short_synopsis, target_audience, why_now, themes, comparables, genre, format, stage,
           estimated_budget, seeking_investment, published_at
       )
from pitches
where status = 'published';

drop index pitches_public_search_idx;

comment on function pitch_public_document(text, text, text, text, text, jsonb, jsonb) is
    'The public text of a pitch for full-text search; protected text never enters it. Part of pitch_search.document.';
comment on table  pitch_search           is 'Published pitches as searches need them: kept by a trigger on pitches, written by nobody else.';
comment on column pitch_search.title_key is 'For completing what somebody types.';
comment on column pitch_search.document  is 'See pitch_search_document().';

grant select, insert, update, delete on pitch_search to pitchey_pitches, pitchey_pitches_system;
grant execute on function pitch_title_key(text), pitch_week(timestamptz),
    pitch_search_document(text, text, text, text, text, jsonb, jsonb, genre, format, text, text, boolean, timestamptz),
    pitch_search_follow()
    to pitchey_pitches, pitchey_pitches_system;
