-- The transaction of notifications for 16 events nda.withdrawn.v1: inbox and effect.
\set e1 random(1, 9000000000000000000)
\set e2 random(1, 9000000000000000000)
\set e3 random(1, 9000000000000000000)
\set e4 random(1, 9000000000000000000)
\set e5 random(1, 9000000000000000000)
\set e6 random(1, 9000000000000000000)
\set e7 random(1, 9000000000000000000)
\set e8 random(1, 9000000000000000000)
\set e9 random(1, 9000000000000000000)
\set e10 random(1, 9000000000000000000)
\set e11 random(1, 9000000000000000000)
\set e12 random(1, 9000000000000000000)
\set e13 random(1, 9000000000000000000)
\set e14 random(1, 9000000000000000000)
\set e15 random(1, 9000000000000000000)
\set e16 random(1, 9000000000000000000)
begin;
insert into inbox (consumer, event_id) values
    ('notifications', (:prefix || lpad(to_hex(:e1::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e2::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e3::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e4::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e5::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e6::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e7::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e8::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e9::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e10::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e11::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e12::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e13::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e14::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e15::bigint), 16, '0'))::uuid),
    ('notifications', (:prefix || lpad(to_hex(:e16::bigint), 16, '0'))::uuid)
on conflict do nothing returning event_id;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e1::bigint % 100, (:prefix || lpad(to_hex(:e1::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e2::bigint % 100, (:prefix || lpad(to_hex(:e2::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e3::bigint % 100, (:prefix || lpad(to_hex(:e3::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e4::bigint % 100, (:prefix || lpad(to_hex(:e4::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e5::bigint % 100, (:prefix || lpad(to_hex(:e5::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e6::bigint % 100, (:prefix || lpad(to_hex(:e6::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e7::bigint % 100, (:prefix || lpad(to_hex(:e7::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e8::bigint % 100, (:prefix || lpad(to_hex(:e8::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e9::bigint % 100, (:prefix || lpad(to_hex(:e9::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e10::bigint % 100, (:prefix || lpad(to_hex(:e10::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e11::bigint % 100, (:prefix || lpad(to_hex(:e11::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e12::bigint % 100, (:prefix || lpad(to_hex(:e12::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e13::bigint % 100, (:prefix || lpad(to_hex(:e13::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e14::bigint % 100, (:prefix || lpad(to_hex(:e14::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e15::bigint % 100, (:prefix || lpad(to_hex(:e15::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e16::bigint % 100, (:prefix || lpad(to_hex(:e16::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
commit;
