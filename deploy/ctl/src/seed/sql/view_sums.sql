-- What analytics knows of the demo, summed from its rows, as its service keeps it (services/analytics/src/store/recount.rs).
insert into tracked_pitches (pitch_id, owner_id, title, first_published_at, deleted_at)
select id, user_id, title, published_at, deleted_at from pitches where published_at is not null;

insert into analytics_events (user_id, event_type, event_value, metadata, pitch_id, origin, created_at)
select member, action, 1, jsonb_build_object('ownerId', owner), pitch, 'platform', at
from (
    select null::int as member, 'pitch.published' as action, user_id as owner, id as pitch, published_at as at from pitches
    union all
    select follower_id, 'pitch.followed', pitches.user_id, pitch_id, follows.created_at from follows join pitches on pitches.id = pitch_id
    union all
    select follower_id, 'user.followed', following_id, null, created_at from follows where following_id is not null
    union all
    select pitch_likes.user_id, 'pitch.liked', pitches.user_id, pitch_id, pitch_likes.created_at from pitch_likes join pitches on pitches.id = pitch_id
    union all
    select author_id, 'pitch.commented', pitches.user_id, pitch_id, pitch_comments.created_at from pitch_comments join pitches on pitches.id = pitch_id
    union all
    select requester_id, what.action, owner_id, pitch_id, what.at
    from ndas
    cross join lateral (values ('nda.requested', created_at), ('nda.approved', approved_at), ('nda.rejected', rejected_at),
                               ('nda.withdrawn', withdrawn_at), ('nda.signed', signed_at), ('nda.revoked', revoked_at)) as what (action, at)
) as happened
where at is not null
order by at, action, member, pitch;

insert into nda_timings (nda_id, pitch_id, owner_id, requester_id, requested_at, answered_at)
select id, pitch_id, owner_id, requester_id, created_at, coalesce(approved_at, rejected_at) from ndas;

insert into pitch_viewers
select distinct on (pitch_id, viewer) pitch_id, viewer, viewer_id, viewer_type, count(*) over pair, count(*) filter (where protected) over pair,
       coalesce(sum(duration) over pair, 0), min(created_at) over pair, created_at, source, duration, protected
from (select *, coalesce(int4send(viewer_id), anonymous_hash) as viewer from pitch_views) as views
window pair as (partition by pitch_id, viewer)
order by pitch_id, viewer, created_at desc;

insert into pitch_totals (pitch_id, views, protected_views, seconds, viewers, version, announced)
select pitch_id, sum(views), sum(protected_views), sum(seconds), count(*), 1, 1 from pitch_viewers group by pitch_id;

insert into pitch_view_hours
select pitch_id, date_trunc('hour', created_at, 'UTC'), viewer_type, source, count(*), count(*) filter (where protected), count(duration), coalesce(sum(duration), 0)
from pitch_views group by 1, 2, 3, 4;

insert into pitch_view_days
select pitch_id, (hour at time zone 'UTC')::date, viewer_type, source, sum(views), sum(protected_views), sum(timed_views), sum(seconds)
from pitch_view_hours group by 1, 2, 3, 4;

insert into activity_hours
select subject_type, subject_id, date_trunc('hour', created_at, 'UTC'), event_type, sum(event_value)
from analytics_events
cross join lateral (values ('platform', 0), ('pitch', pitch_id), ('owner', (metadata ->> 'ownerId')::int), ('member', user_id)) as subject (subject_type, subject_id)
where subject_id is not null
group by 1, 2, 3, 4;

insert into activity_days
select subject_type, subject_id, (hour at time zone 'UTC')::date, action, sum(amount) from activity_hours group by 1, 2, 3, 4;

insert into active_days
select distinct (created_at at time zone 'UTC')::date, viewer_id from pitch_views where viewer_id is not null;

update pitches set views = pitch_totals.views from pitch_totals where pitch_id = pitches.id;
