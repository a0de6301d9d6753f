-- For each of the pitches $1, a request of every second investor, made long enough ago not to count today.
insert into ndas (pitch_id, pitch_version, owner_id, requester_id, nda_type, status, created_at, updated_at)
select pitches.id, (select max(number) from pitch_versions where pitch_id = pitches.id), pitches.user_id, users.id, 'basic',
       'pending', now() - interval '2 days', now() - interval '2 days'
from pitches, users
where pitches.id = any($1::integer[]) and users.user_type = 'investor' and users.id % 2 = 0
order by users.id, pitches.id
returning id, owner_id
