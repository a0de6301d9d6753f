-- $1 the conversations, $2 the moment of loading: what members have read was delivered to them
insert into message_read_receipts (message_id, user_id, delivered_at, read_at)
select m.id, p.user_id, least(m.created_at + interval '1 minute', $2), least(m.created_at + interval '10 minutes', $2)
from jsonb_to_recordset($1) as demo (id integer)
join messages                  as m on m.conversation_id = demo.id
join conversation_participants as p on p.conversation_id = demo.id and p.user_id <> m.sender_id and p.last_read_message_id >= m.id
order by m.id, p.user_id
