-- The transaction of notifications for 16 events nda.withdrawn.v1: inbox, effect and the event that tells of it.
-- The events are of analytics, whose relay does not run here.
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
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e1, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e1::bigint, 'user_id', :owner::integer + :e1::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e2, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e2::bigint, 'user_id', :owner::integer + :e2::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e3, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e3::bigint, 'user_id', :owner::integer + :e3::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e4, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e4::bigint, 'user_id', :owner::integer + :e4::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e5, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e5::bigint, 'user_id', :owner::integer + :e5::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e6, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e6::bigint, 'user_id', :owner::integer + :e6::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e7, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e7::bigint, 'user_id', :owner::integer + :e7::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e8, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e8::bigint, 'user_id', :owner::integer + :e8::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e9, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e9::bigint, 'user_id', :owner::integer + :e9::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e10, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e10::bigint, 'user_id', :owner::integer + :e10::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e11, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e11::bigint, 'user_id', :owner::integer + :e11::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e12, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e12::bigint, 'user_id', :owner::integer + :e12::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e13, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e13::bigint, 'user_id', :owner::integer + :e13::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e14, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e14::bigint, 'user_id', :owner::integer + :e14::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e15, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e15::bigint, 'user_id', :owner::integer + :e15::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e16, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e16::bigint, 'user_id', :owner::integer + :e16::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
commit;
