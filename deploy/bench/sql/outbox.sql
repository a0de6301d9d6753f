-- $1 events of pitches, each telling a user whose id is at least $2 (a hundred of them take turns) of an NDA that was withdrawn.
insert into outbox (producer, event_id, event_type, subject, traceparent, payload)
select 'pitches',
       -- UUIDv7, as the bus makes them: milliseconds, then a counter.
       (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
           || '8' || substr(md5(random()::text), 1, 3) || lpad(to_hex(n), 12, '0'))::uuid,
       'nda.withdrawn.v1', 'nda/' || n, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
       jsonb_build_object('nda_id', n, 'pitch_id', 1, 'pitch_title', 'The Lighthouse', 'owner_id', $2::integer + n % 100,
                          'requester_id', 1, 'nda_type', 'basic', 'hold', null)
from generate_series(1, $1::integer) as n
