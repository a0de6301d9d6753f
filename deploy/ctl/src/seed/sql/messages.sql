-- $1 the messages, $2 the moment of loading
insert into messages (id, conversation_id, sender_id, encrypted_content, message_type, parent_id, edited_at, deleted_at, created_at)
select id, conversation, sender, sealed, type, parent, $2 - edited, $2 - deleted, $2 - age
from jsonb_to_recordset($1) as demo (
    id bigint, conversation integer, sender integer, sealed text, type text, parent bigint, edited interval, deleted interval, age interval)
order by id
