-- $1 the members, $2 the moment of loading
insert into conversation_participants (
    conversation_id, user_id, role, joined_at, is_active, left_at, last_read_message_id, last_delivered_message_id, last_read_at, archived_at)
select
    conversation, "user", role, $2 - since, ended is null, $2 - ended, read, read, case when read is not null then $2 - interval '1 minute' end,
    case when archived then $2 end
from jsonb_to_recordset($1) as demo (
    conversation integer, "user" integer, role text, since interval, ended interval, read bigint, archived boolean)
order by conversation, "user"
