-- :users users, twice as many pitches, and the rest in proportion; among them what the former rules let pass.
INSERT INTO users (email, username, password_hash, user_type, first_name, phone, company_address, email_verified, created_at, email_verification_token)
SELECT 'user' || n || '@old.example', 'user' || n, ':hash', (ARRAY['creator', 'production', 'investor', 'viewer'])[1 + n % 4]::user_type,
       'Name ' || n, '+49 30 ' || n, 'Street ' || n, n % 5 <> 0, now() - n * interval '1 minute', CASE WHEN n % 5 = 0 THEN md5(n::text) END
FROM generate_series(1, :users) AS n;
UPDATE users SET email = 'USER1@old.example', username = 'USER1' WHERE id = 2;
UPDATE users SET is_active = NULL, email_verified = NULL, created_at = NULL, subscription_tier = NULL WHERE id = 4;

INSERT INTO pitches (user_id, title, logline, genre, format, short_synopsis, long_synopsis, themes, key_talent, comparables, status, requires_nda, nda_type, published_at, views)
SELECT 1 + n % :users, 'Pitch ' || n, 'A story about number ' || n || ', told once.',
       (ARRAY['drama', 'comedy', 'scifi'])[1 + n % 3]::genre, (ARRAY['feature', 'tv'])[1 + n % 2]::format, 'Short ' || n, 'Long ' || n,
       CASE n % 3 WHEN 0 THEN '["loss", "hope"]' WHEN 1 THEN '"love, war"' END::jsonb,
       CASE n % 2 WHEN 0 THEN '["Somebody Known"]' ELSE '[{"name": "Another", "role": "Lead"}]' END::jsonb, '["Old Film"]',
       (ARRAY['draft', 'published', 'hidden', 'archived'])[1 + n % 4]::pitch_status, n % 2 = 0, CASE WHEN n % 2 = 0 THEN 'basic' END::nda_type,
       CASE WHEN n % 8 < 4 THEN now() - interval '10 days' END, n
FROM generate_series(1, :users * 2) AS n;
UPDATE pitches SET title = 'X' WHERE id = 1;
UPDATE pitches SET logline = repeat('word ', 200) WHERE id = 2;
UPDATE pitches SET logline = 'Short', thumbnail_url = 'javascript:alert(1)', views = -1 WHERE id = 3;
UPDATE pitches SET themes = '{"a": 1}', updated_at = NULL WHERE id = 5;

INSERT INTO ndas (pitch_id, requester_id, owner_id, nda_type, status, signed_at, ip_address, user_agent, request_message)
SELECT p.id, 1 + (p.user_id + 1) % :users, p.user_id, 'basic', (ARRAY['pending', 'approved', 'rejected', 'signed', 'expired'])[1 + p.id % 5],
       CASE WHEN p.id % 5 = 3 AND p.id % 2 = 0 THEN now() END, '10.0.0.1', 'Browser', CASE WHEN p.id % 5 = 1 THEN 'approved' END
FROM pitches AS p WHERE p.requires_nda AND 1 + (p.user_id + 1) % :users <> p.user_id;
INSERT INTO ndas (pitch_id, requester_id, owner_id, nda_type, request_message)
SELECT pitch_id, requester_id, owner_id, 'basic', 'again' FROM ndas WHERE status = 'signed' ORDER BY id LIMIT 1;
INSERT INTO ndas (pitch_id, requester_id, owner_id, nda_type) SELECT id, user_id, user_id, 'basic' FROM pitches WHERE id = 2;

INSERT INTO follows (follower_id, following_id) SELECT n, 1 + n % :users FROM generate_series(1, :users) AS n;
INSERT INTO follows (follower_id, pitch_id) SELECT n, n * 2 FROM generate_series(1, :users) AS n;
INSERT INTO follows (follower_id, following_id) VALUES (5, 5);
INSERT INTO follows (follower_id) VALUES (6);

INSERT INTO conversations (type, pitch_id)
SELECT CASE WHEN n % 3 = 0 THEN 'pitch_discussion' ELSE 'direct' END, CASE WHEN n % 3 = 0 THEN n END FROM generate_series(1, :users / 2) AS n;
INSERT INTO conversation_participants (conversation_id, user_id, last_read_at, is_active)
SELECT c.id, u, now(), u % 10 <> 9 FROM conversations AS c, LATERAL (SELECT c.id * 2 - 1 AS u UNION SELECT c.id * 2) AS members;
WITH again AS (INSERT INTO conversations (type, title) VALUES ('direct', 'again') RETURNING id)
INSERT INTO conversation_participants (conversation_id, user_id) SELECT again.id, p.user_id FROM again, conversation_participants AS p WHERE p.conversation_id = 1;
INSERT INTO messages (conversation_id, sender_id, content, created_at, message_type)
SELECT c.id, c.id * 2, 'Message ' || n, now() - (20 - n) * interval '1 minute', CASE WHEN n = 5 THEN 'emoji' ELSE 'text' END
FROM conversations AS c, generate_series(1, 10) AS n WHERE c.title IS NULL;
UPDATE messages SET parent_id = id - 1 WHERE id % 10 = 2;
UPDATE messages SET parent_id = id + 1 WHERE id = 3;
UPDATE messages SET content = NULL, encrypted_content = 'U2FsdGVk' WHERE id = 4;
INSERT INTO message_read_receipts (message_id, user_id, delivered_at) SELECT m.id, m.sender_id - 1, now() FROM messages AS m;
INSERT INTO typing_indicators (conversation_id, user_id, expires_at) VALUES (1, 1, now() - interval '1 hour');

INSERT INTO transactions (user_id, type, amount, status, stripe_payment_intent_id)
SELECT n, 'credits', 1499, 'completed', 'pi_' || n FROM generate_series(1, :users) AS n;
INSERT INTO transactions (user_id, type, amount, currency, status, description) VALUES (1, 'credits', 19.99, 'eur', 'succeeded', 'units');
INSERT INTO transactions (user_id, type, amount, stripe_payment_intent_id) VALUES (2, 'tip', 500, 'pi_1');
INSERT INTO credits (user_id, balance, lifetime_purchased) SELECT n, n, n FROM generate_series(1, :users) AS n;
INSERT INTO credits (user_id, balance) VALUES (3, 4);

INSERT INTO pitch_views (pitch_id, viewer_id, viewer_type, duration, ip_address, created_at)
SELECT 1 + n % (:users * 2), CASE WHEN n % 3 <> 0 THEN 1 + n % :users END, CASE WHEN n % 3 <> 0 THEN 'creator' ELSE 'guest' END, n * 30, '10.0.0.1',
       now() - (n % 400) * interval '1 day'
FROM generate_series(1, :users * 5) AS n;
INSERT INTO analytics_events (user_id, event_type, metadata, created_at)
SELECT 1 + n % :users, 'page_view', '{"page": "/"}', now() - (n % 300) * interval '1 day' FROM generate_series(1, :users * 5) AS n;
INSERT INTO analytics_events (event_type, created_at) VALUES ('page_view', now() - interval '4 years');
INSERT INTO email_preferences (user_id, messages) SELECT n, 'weekly' FROM generate_series(1, :users) AS n;
INSERT INTO email_queue (to_email, from_email, subject, html_content, status, created_at)
SELECT 'user' || n || '@old.example', 'no-reply@old.example', 'Hello', '<p>Hello</p>', (ARRAY['sent', 'delivered', 'pending'])[1 + n % 3]::email_status, now() - n * interval '1 day'
FROM generate_series(1, :users) AS n;
INSERT INTO email_events (email_id, event) SELECT n, 'delivered' FROM generate_series(1, :users) AS n;
INSERT INTO audit_log (user_id, action, entity_type, entity_id, ip_address, created_at)
SELECT n, 'login', 'user', n, '10.0.0.1', now() - (n % 700) * interval '1 day' FROM generate_series(1, :users) AS n;
INSERT INTO sessions (user_id, token, refresh_token, expires_at)
SELECT n, 'token-' || n, 'refresh-' || n, CASE WHEN n % 2 = 0 THEN now() + interval '3 days' ELSE now() - interval '1 day' END FROM generate_series(1, :users) AS n;
