-- What pitches sends for POST /api/pitches: the key, the pitch, its first version, the event, the answer under the key.
-- :content, :response, :synopsis and :long come from a pitch that the service made.
\set uid random(:first_creator, :first_creator + :creators - 1)
\set n random(1, 9000000000000000000)
\set m random(1, 9000000000000000000)
\startpipeline
begin;
select set_config('app.uid', (:uid)::text, true);
\endpipeline
INSERT INTO idempotency_keys (service, actor, key, request_hash) VALUES ('pitches', 'user/' || (:uid)::text, 'bench-'
    || (:n)::text || (:m)::text, decode(lpad(to_hex((:n)::bigint), 64, '0'), 'hex')) ON CONFLICT DO NOTHING;
INSERT INTO pitches (title, logline, genre, format, format_category, short_synopsis, long_synopsis, opener, premise,
    description, target_audience, themes, comparables, key_talent, characters, world_description, why_now,
    personal_connection, thumbnail_url, media_files, budget, estimated_budget, stage, seeking_investment,
    requires_nda, nda_type, custom_nda_url, custom_nda_sha256, user_id, completion_percentage, created_at, updated_at)
    VALUES ('Number ' || (:n)::text, 'A keeper waits for a ship that left before she was born.', 'drama', 'feature',
    DEFAULT, (:synopsis)::text, (:long)::text, DEFAULT, DEFAULT, DEFAULT, DEFAULT, '["sea", "waiting"]'::jsonb,
    DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, 'f', 't',
    'basic', DEFAULT, DEFAULT, (:uid)::integer, '25', now(), now()) RETURNING pitches.id, pitches.user_id,
    pitches.title, pitches.logline, pitches.genre, pitches.format, pitches.format_category, pitches.short_synopsis,
    pitches.target_audience, pitches.themes, pitches.comparables, pitches.why_now, pitches.thumbnail_url,
    pitches.media_files, pitches.budget, pitches.estimated_budget, pitches.stage, pitches.seeking_investment,
    pitches.requires_nda, pitches.nda_type, pitches.custom_nda_url, pitches.status, pitches.hidden_by,
    pitches.status_before_archive, pitches.deleted_at, pitches.views, pitches.like_count, pitches.nda_count,
    pitches.comment_count, pitches.version, pitches.created_at, pitches.updated_at, pitches.published_at,
    pitches.long_synopsis, pitches.opener, pitches.premise, pitches.key_talent, pitches.personal_connection,
    pitches.description, pitches.characters, pitches.world_description, pitches.completion_percentage;
INSERT INTO pitch_versions (pitch_id, number, content, content_sha256, author_id, created_at) VALUES
    (currval('pitches_id_seq'), '1', (:content)::text, lpad(to_hex((:n)::bigint), 64, '0'), (:uid)::integer, now());
INSERT INTO outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) VALUES ('pitches',
    gen_random_uuid(), 'pitch.changed.v1', 'pitch/' || currval('pitches_id_seq'), 1,
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('version', 1, 'owner_id',
    (:uid)::integer, 'pitch_id', currval('pitches_id_seq')));
UPDATE idempotency_keys SET status = '201', response = (:response)::jsonb WHERE ((idempotency_keys.service =
    'pitches') AND ((idempotency_keys.actor = 'user/' || (:uid)::text) AND (idempotency_keys.key = 'bench-' ||
    (:n)::text || (:m)::text)));
commit;
