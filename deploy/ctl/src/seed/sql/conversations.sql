-- $1 the conversations, $2 the moment of loading
with demo as (
    select * from jsonb_to_recordset($1) as demo (
        id integer, type text, title text, pitch integer, created_by integer, low integer, high integer, signer integer,
        wrapped_key text, master_key text, version integer, created interval, moved interval)
), talks as (
    insert into conversations (id, type, title, pitch_id, created_by, user_low_id, user_high_id, signer_id, created_at, updated_at, last_message_at)
    select id, type, title, pitch, created_by, low, high, signer, $2 - created, $2 - moved, $2 - moved from demo
    returning id
)
insert into conversation_keys (conversation_id, version, wrapped_key, master_key, created_at)
select demo.id, demo.version, demo.wrapped_key, demo.master_key, $2 - demo.created from demo join talks using (id)
