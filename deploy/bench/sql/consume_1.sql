-- The transaction of notifications for one event nda.withdrawn.v1: inbox and effect.
\set e1 random(1, 9000000000000000000)
begin;
insert into inbox (consumer, event_id) values
    ('notifications', (:prefix || lpad(to_hex(:e1::bigint), 16, '0'))::uuid)
on conflict do nothing returning event_id;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e1::bigint % 100, (:prefix || lpad(to_hex(:e1::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
commit;
