-- Tells who listens of each notification, when its transaction has committed. The consumer pays for it, the floor does not.
create or replace function bench_seen() returns trigger language plpgsql security definer as $$
begin
    perform pg_notify('bench_seen', new.data ->> 'ndaId');
    return null;
end
$$;
drop trigger if exists bench_seen on notifications;
create trigger bench_seen after insert on notifications for each row execute function bench_seen();
