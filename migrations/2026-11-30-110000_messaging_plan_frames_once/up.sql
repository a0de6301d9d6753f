-- plpgsql keeps its plans for the session; a function in SQL that can't be inlined is planned at each call, which took longer than running it.
create or replace function push_frames(recipients integer[], frame_type text, frame_event text, conversation integer, message bigint, frame_data jsonb, at timestamptz)
    returns void
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    with numbered as (
        insert into socket_streams as s (user_id, last_seq)
        select recipient, 1 from unnest(recipients) as recipient order by recipient
        on conflict (user_id) do update set last_seq = s.last_seq + 1
        returning s.user_id, s.last_seq)
    insert into socket_frames (user_id, seq, type, event, conversation_id, message_id, data, created_at)
    select user_id, last_seq, frame_type, frame_event, conversation, message, frame_data, at from numbered;
end
$$;
