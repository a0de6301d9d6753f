-- What pitches sends for POST /api/ndas/request: a look beforehand, then the key, the rules, the request, its audit row, the event, the answer.
-- Each pair of a requester and a pitch comes once: every client counts its own, from :first_pair; nobody else asks for these pitches.
-- :response comes from a request that the service answered.
\set i :i + 1
\set pair :first_pair + :i * 8 + :client_id
\set uid :first_investor + :pair % :investors
\set pid :first_pitch + :pair / :investors
\set owner :first_owner + :pair / :investors
\set n random(1, 9000000000000000000)
\startpipeline
begin;
select set_config('app.uid', (:uid)::text, true);
\endpipeline
SELECT pitches.id, pitches.user_id, pitches.title, pitches.logline, pitches.genre, pitches.format,
    pitches.format_category, pitches.short_synopsis, pitches.target_audience, pitches.themes, pitches.comparables,
    pitches.why_now, pitches.thumbnail_url, pitches.media_files, pitches.budget, pitches.estimated_budget,
    pitches.stage, pitches.seeking_investment, pitches.requires_nda, pitches.nda_type, pitches.custom_nda_url,
    pitches.status, pitches.hidden_by, pitches.status_before_archive, pitches.deleted_at, pitches.views,
    pitches.like_count, pitches.nda_count, pitches.comment_count, pitches.version, pitches.created_at,
    pitches.updated_at, pitches.published_at FROM pitches WHERE ((pitches.id = (:pid)::integer) AND
    (pitches.deleted_at IS NULL)) LIMIT 1;
SELECT ndas.id, ndas.pitch_id, ndas.requester_id, ndas.owner_id, ndas.nda_type, ndas.status, ndas.request_message,
    ndas.reject_reason, ndas.signed_at, ndas.expires_at, ndas.created_at, ndas.updated_at, ndas.pitch_version,
    ndas.hold_key, ndas.terms, ndas.expiry_days, ndas.document_hash, ndas.approved_at, ndas.rejected_at,
    ndas.signer_name, ndas.signer_title, ndas.signer_company, ndas.receipt, ndas.revoked_by, ndas.revoke_reason FROM
    ndas WHERE ((ndas.requester_id = (:uid)::integer) AND (ndas.pitch_id = ANY(array[(:pid)::integer]))) ORDER BY
    ndas.id DESC;
SELECT ndas.created_at FROM ndas WHERE ((ndas.requester_id = (:uid)::integer) AND (ndas.created_at > now() - interval
    '1 day')) ORDER BY ndas.created_at;
rollback;
\startpipeline
begin;
select set_config('app.uid', (:uid)::text, true);
\endpipeline
INSERT INTO idempotency_keys (service, actor, key, request_hash) VALUES ('pitches', 'user/' || (:uid)::integer,
    'bench-' || (:n)::text || (:pair)::text, decode(lpad(to_hex((:n)::bigint), 64, '0'), 'hex')) ON CONFLICT DO
    NOTHING;
SELECT pg_advisory_xact_lock(hashtextextended('pitches/requests_of/' || (:uid)::integer, 0));
SELECT ndas.created_at FROM ndas WHERE ((ndas.requester_id = (:uid)::integer) AND (ndas.created_at > now() - interval
    '1 day')) ORDER BY ndas.created_at;
SELECT pg_advisory_xact_lock_shared(hashtextextended('pitches/ndas_of/' || (:pid)::integer, 0));
SELECT pitches.id, pitches.user_id, pitches.title, pitches.logline, pitches.genre, pitches.format,
    pitches.format_category, pitches.short_synopsis, pitches.target_audience, pitches.themes, pitches.comparables,
    pitches.why_now, pitches.thumbnail_url, pitches.media_files, pitches.budget, pitches.estimated_budget,
    pitches.stage, pitches.seeking_investment, pitches.requires_nda, pitches.nda_type, pitches.custom_nda_url,
    pitches.status, pitches.hidden_by, pitches.status_before_archive, pitches.deleted_at, pitches.views,
    pitches.like_count, pitches.nda_count, pitches.comment_count, pitches.version, pitches.created_at,
    pitches.updated_at, pitches.published_at FROM pitches WHERE ((pitches.id = (:pid)::integer) AND
    (pitches.deleted_at IS NULL)) LIMIT 1;
SELECT ndas.id, ndas.pitch_id, ndas.requester_id, ndas.owner_id, ndas.nda_type, ndas.status, ndas.request_message,
    ndas.reject_reason, ndas.signed_at, ndas.expires_at, ndas.created_at, ndas.updated_at, ndas.pitch_version,
    ndas.hold_key, ndas.terms, ndas.expiry_days, ndas.document_hash, ndas.approved_at, ndas.rejected_at,
    ndas.signer_name, ndas.signer_title, ndas.signer_company, ndas.receipt, ndas.revoked_by, ndas.revoke_reason FROM
    ndas WHERE ((ndas.requester_id = (:uid)::integer) AND (ndas.pitch_id = ANY(array[(:pid)::integer]))) ORDER BY
    ndas.id DESC;
SELECT pitch_versions.number, pitch_versions.content_sha256, pitch_versions.author_id, pitch_versions.created_at FROM
    pitch_versions WHERE (pitch_versions.pitch_id = (:pid)::integer) ORDER BY pitch_versions.number DESC LIMIT 1;
INSERT INTO ndas (pitch_id, requester_id, owner_id, nda_type, request_message, pitch_version, hold_key, created_at,
    updated_at) VALUES ((:pid)::integer, (:uid)::integer, (:owner)::integer, 'basic', 'May I?', 1, DEFAULT, now(),
    now()) RETURNING ndas.id, ndas.pitch_id, ndas.requester_id, ndas.owner_id, ndas.nda_type, ndas.status,
    ndas.request_message, ndas.reject_reason, ndas.signed_at, ndas.expires_at, ndas.created_at, ndas.updated_at,
    ndas.pitch_version, ndas.hold_key, ndas.terms, ndas.expiry_days, ndas.document_hash, ndas.approved_at,
    ndas.rejected_at, ndas.signer_name, ndas.signer_title, ndas.signer_company, ndas.receipt, ndas.revoked_by,
    ndas.revoke_reason;
INSERT INTO audit_log (user_id, action, entity_type, entity_id, entity_key, old_values, new_values, ip_address,
    user_agent, request_id) VALUES ((:uid)::integer, 'nda.requested', 'nda', currval('ndas_id_seq')::integer, NULL,
    NULL, jsonb_build_object('status', 'pending', 'pitchId', 1, 'pitchVersion', 1), '127.0.0.1', NULL,
    '01a20445-b2ee-73b7-b100-4f79924f1439');
SELECT ndas.id, pitch_versions.content::json ->> 'title' FROM ndas INNER JOIN pitch_versions ON
    ((pitch_versions.pitch_id = ndas.pitch_id) AND (pitch_versions.number = ndas.pitch_version)) WHERE (ndas.id =
    ANY(array[currval('ndas_id_seq')::integer]));
INSERT INTO outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) VALUES ('pitches',
    gen_random_uuid(), 'nda.requested.v1', 'nda/' || currval('ndas_id_seq'), NULL,
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('hold', null, 'nda_id',
    currval('ndas_id_seq'), 'nda_type', 'basic', 'owner_id', (:owner)::integer, 'pitch_id', (:pid)::integer,
    'pitch_title', 'The Lighthouse 0', 'requester_id', (:uid)::integer, 'with_message', true));
SELECT nda_policy_for((:owner)::integer);
UPDATE idempotency_keys SET status = '201', response = (:response)::jsonb WHERE ((idempotency_keys.service =
    'pitches') AND ((idempotency_keys.actor = 'user/' || (:uid)::integer) AND (idempotency_keys.key = 'bench-' ||
    (:n)::text || (:pair)::text)));
commit;
