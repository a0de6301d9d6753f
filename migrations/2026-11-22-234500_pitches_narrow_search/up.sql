-- A search of a genre or a format goes back through its own weeks: as cheap as one of everything.
create or replace function pitch_search_document(
    title text, logline text, short_synopsis text, target_audience text, why_now text, themes jsonb, comparables jsonb,
    genre genre, format format, stage text, estimated_budget text, seeking_investment boolean, published_at timestamptz
) returns tsvector
    language sql immutable parallel safe
    return pitch_public_document(title, logline, short_synopsis, target_audience, why_now, themes, comparables)
        || array_to_tsvector(array_remove(array[
               '=g:' || genre::text,
               '=f:' || format::text,
               '=s:' || nullif(lower(btrim(stage)), ''),
               '=e:' || nullif(lower(btrim(estimated_budget)), ''),
               case when seeking_investment then '=i' end,
               '=w:' || pitch_week(published_at),
               '=w:' || pitch_week(published_at) || '/' || genre::text,
               '=w:' || pitch_week(published_at) || '//' || format::text,
               '=w:' || pitch_week(published_at) || '/' || genre::text || '/' || format::text,
               '=b:' || pitch_week(published_at) / 16,
               '=b:' || pitch_week(published_at) / 16 || '/' || genre::text,
               '=b:' || pitch_week(published_at) / 16 || '//' || format::text,
               '=b:' || pitch_week(published_at) / 16 || '/' || genre::text || '/' || format::text
           ], null));

comment on function pitch_search_document is
    'The public text of a pitch, and words that no text can have, for what searches are narrowed to: genre, format, stage, estimated budget, '
    'whether it seeks investment, and the week and the block of 16 weeks of its publication, each also with genre, format and both. '
    'So one look into one index answers them together.';

update pitch_search
set document = pitch_search_document(
    pitches.title, pitches.logline, pitches.short_synopsis, pitches.target_audience, pitches.why_now, pitches.themes, pitches.comparables,
    pitches.genre, pitches.format, pitches.stage, pitches.estimated_budget, pitches.seeking_investment, pitches.published_at
)
from pitches
where pitches.id = pitch_search.pitch_id;
