-- $1 the conversations, $2 the moment of loading: what messaging would have heard of the NDAs behind the discussions
with heard as (
    insert into discussion_ndas (nda_id, pitch_id, signer_id, owner_id, signed_at, expires_at, ended_at)
    select n.id, n.pitch_id, n.requester_id, n.owner_id, n.signed_at, n.expires_at,
           case when n.status in ('revoked', 'expired') then coalesce(n.revoked_at, n.expires_at, $2) end
    from jsonb_to_recordset($1) as demo (nda integer) join ndas as n on n.id = demo.nda
    returning pitch_id, signer_id, expires_at
)
update conversation_participants as p set active_until = heard.expires_at
from heard join conversations as c on c.pitch_id = heard.pitch_id and c.signer_id = heard.signer_id
where p.conversation_id = c.id and p.user_id = heard.signer_id and p.is_active
