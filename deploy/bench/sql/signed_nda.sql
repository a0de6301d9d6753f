-- An agreement about pitch $1, signed by $2.
insert into ndas (pitch_id, pitch_version, owner_id, requester_id, nda_type, status, created_at, updated_at,
                  approved_at, signed_at, signer_name, document, document_media_type, document_hash, expires_at)
select id, (select max(number) from pitch_versions where pitch_id = pitches.id), user_id, $2::integer, 'basic', 'signed',
       now() - interval '2 days', now(), now(), now(), 'Bench', 'text'::bytea, 'text/plain', repeat('0', 64), now() + interval '1 year'
from pitches where id = $1::integer
