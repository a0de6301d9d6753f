create index pitches_public_search_idx on pitches
    using gin (pitch_public_document(title, logline, short_synopsis, target_audience, why_now, themes, comparables))
    where status = 'published';
comment on function pitch_public_document(text, text, text, text, text, jsonb, jsonb) is
    'The public text of a pitch for full-text search; protected text never enters it. A search calls it with the columns in this order and status = ''published'', and is answered by pitches_public_search_idx.';

drop trigger  pitches_searched on pitches;
drop function pitch_search_follow();
drop table    pitch_search;
drop function pitch_search_document;
drop function pitch_week(timestamptz);
drop function pitch_title_key(text);
