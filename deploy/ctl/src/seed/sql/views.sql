-- $1 the moment of loading. Who looked at the published pitches in the last two months, as analytics would have counted it: rows here, sums in
-- view_sums.sql. The ages grow with the square of k, so nobody looks twice within half an hour.
insert into pitch_views (pitch_id, viewer_id, anonymous_hash, viewer_type, source, duration, protected, created_at)
select looked.pitch_id, looked.viewer_id, case when looked.viewer_id is null then decode(md5('demo view ' || looked.pitch_id || '/' || looked.k), 'hex') end,
       looked.viewer_type, looked.source, looked.duration,
       exists (select from ndas where ndas.pitch_id = looked.pitch_id and requester_id = looked.viewer_id
                                  and signed_at <= looked.at and (ndas.revoked_at is null or ndas.revoked_at > looked.at)),
       looked.at
from (
    select pitches.id as pitch_id, k, $1 - (k * k * 19 + k * 61 + pitches.id % 50) * interval '1 minute' as at,
           case when k % 3 > 0 then viewer.id end as viewer_id,
           case when k % 3 > 0 then viewer.user_type::text else 'anonymous' end as viewer_type,
           (array['direct', 'search', 'feed', 'trending', 'browse', 'share', 'email'])[1 + (pitches.id + k * 5) % 7] as source,
           case when k % 4 > 0 then 15 + k * 53 % 900 end as duration,
           pitches.published_at
    from pitches
    cross join lateral generate_series(1, 8 + pitches.id * 37 % 50) as k
    cross join lateral (
        select id, user_type from (
            select id, user_type, row_number() over (order by id) - 1 as place, count(*) over () as people
            from users
            where id <> pitches.user_id and is_active and not is_admin and deleted_at is null and created_at < $1 - interval '70 days') as people
        where place = (pitches.id * 7 + k) % people.people
    ) as viewer
    where pitches.status = 'published'
) as looked
where looked.at > looked.published_at
