-- The transaction of notifications for one event nda.withdrawn.v1: inbox, effect and the event that tells of it.
-- The events are of analytics, whose relay does not run here.
\set e1 random(1, 9000000000000000000)
begin;
insert into inbox (consumer, event_id) values
    ('notifications', (:prefix || lpad(to_hex(:e1::bigint), 16, '0'))::uuid)
on conflict do nothing returning event_id;
insert into notifications (user_id, event_id, type, title, body, data)
values (:owner::integer + :e1::bigint % 100, (:prefix || lpad(to_hex(:e1::bigint), 16, '0'))::uuid, 'nda_withdrawn', 'An NDA request for “The Lighthouse” was withdrawn', null,
        '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}') on conflict do nothing;
insert into outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload) values ('analytics', gen_random_uuid(), 'notification.created.v1', 'notification/' || :e1, null,
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', jsonb_build_object('notification_id', :e1::bigint, 'user_id', :owner::integer + :e1::bigint % 100,
        'kind', 'nda_withdrawn', 'title', 'An NDA request for “The Lighthouse” was withdrawn', 'body', null, 'created_at', now(),
        'data', '{"ndaId": 1, "pitchId": 1, "requesterId": 1, "ownerId": 1}'::jsonb));
commit;
