-- $1 who follows what, $2 the moment of loading
insert into follows (follower_id, following_id, pitch_id, created_at)
select follower, target.following_id, target.pitch_id, $2 - since
from jsonb_to_recordset($1) as demo (follower integer, users jsonb, pitches jsonb, since interval)
cross join lateral (
    select value::integer as following_id, null::integer as pitch_id, 1 as kind from jsonb_array_elements(users)
    union all
    select null, value::integer, 2 from jsonb_array_elements(pitches)
) as target
order by follower, target.kind, target.following_id, target.pitch_id
