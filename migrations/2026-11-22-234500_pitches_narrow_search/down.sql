create or replace function pitch_search_document(
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

update pitch_search
set document = pitch_search_document(
    pitches.title, pitches.logline, pitches.short_synopsis, pitches.target_audience, pitches.why_now, pitches.themes, pitches.comparables,
    pitches.genre, pitches.format, pitches.stage, pitches.estimated_budget, pitches.seeking_investment, pitches.published_at
)
from pitches
where pitches.id = pitch_search.pitch_id;
