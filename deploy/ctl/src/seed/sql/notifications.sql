-- What people were told of the NDAs and follows of the demo, in the words of the service: who has nothing new to read opened the list a week ago.
-- $1 the moment of loading
insert into notifications (user_id, event_id, type, title, body, data, read_at, created_at)
select told.user_id, md5('demo/' || told.type || '/' || told.subject || '/' || told.user_id)::uuid, told.type, told.title, told.body, told.data,
       case when told.at < $1 - interval '7 days' then told.at + interval '3 hours' end, told.at
from (
    select n.id as subject, what.user_id, what.type, what.at, what.body,
           case what.type
               when 'nda_requested' then 'New NDA request for “' || p.title || '”'
               when 'nda_approved' then 'Your NDA request for “' || p.title || '” was approved'
               when 'nda_rejected' then 'Your NDA request for “' || p.title || '” was declined'
               when 'nda_signed' then 'The NDA for “' || p.title || '” was signed'
               when 'nda_revoked' then 'The NDA for “' || p.title || '” was revoked'
           end as title,
           jsonb_build_object('ndaId', n.id, 'pitchId', n.pitch_id, 'requesterId', n.requester_id, 'ownerId', n.owner_id) as data
    from ndas as n
    join pitches as p on p.id = n.pitch_id and p.deleted_at is null
    cross join lateral (values
        (n.owner_id, 'nda_requested', n.created_at, case when n.request_message is not null then 'It came with a message.' end),
        (n.requester_id, 'nda_approved', n.approved_at, 'Sign the document to read the protected part.'),
        (n.requester_id, 'nda_rejected', n.rejected_at, case when n.reject_reason is not null then 'The owner gave a reason.' end),
        (n.owner_id, 'nda_signed', n.signed_at, 'The protected part can now be read by the signer.'),
        (n.requester_id, 'nda_revoked', n.revoked_at, case when n.signed_at is not null then 'Your access to the protected part has ended.' end)
    ) as what (user_id, type, at, body)
    where what.at is not null
    union all
    select f.id, f.following_id, 'new_follower', f.created_at, null, 'You have a new follower', jsonb_build_object('followerId', f.follower_id)
    from follows as f
    where f.following_id is not null
) as told
join users on users.id = told.user_id and users.deleted_at is null
order by told.at, told.user_id, told.type, told.subject
