-- Caches of what the rows say. Repeating it changes nothing.
update conversations as c set last_message_at = m.newest
from (select conversation_id, max(created_at) as newest from messages group by conversation_id) as m
where m.conversation_id = c.id and c.last_message_at is null;

update conversation_participants as p set
    last_read_message_id = m.newest,
    last_delivered_message_id = greatest(p.last_delivered_message_id, m.newest)
from (
    select p.id, max(m.id) as newest
    from conversation_participants as p
    join messages                  as m on m.conversation_id = p.conversation_id and m.created_at <= p.last_read_at
    where p.last_read_message_id is null
    group by p.id
) as m
where m.id = p.id;

update pitches as p set nda_count = n.signed
from (select pitch_id, count(*) as signed from ndas where status = 'signed' group by pitch_id) as n
where n.pitch_id = p.id and p.nda_count <> n.signed;

-- A balance is the sum of its ledger.
insert into credit_ledger (user_id, kind, amount, bought, balance_after, reason, idempotency_key, created_at)
select user_id, 'adjust', balance, balance, balance, 'import', 'import/' || user_id, updated_at
from credits
where balance > 0 and not exists (select from credit_ledger as l where l.user_id = credits.user_id)
on conflict do nothing;

-- New rows come after those that were brought in.
do $$
declare
    t   text;
    top bigint;
begin
    foreach t in array array['users', 'pitches', 'ndas', 'follows', 'conversations', 'conversation_participants',
        'messages', 'message_read_receipts', 'typing_indicators', 'transactions', 'credits', 'pitch_views',
        'analytics_events', 'email_preferences', 'email_queue', 'email_events', 'audit_log']
    loop
        execute format('select max(id) from %I', t) into top;
        if top is not null then
            perform setval(pg_get_serial_sequence(t, 'id'),
                greatest(top, coalesce((select last_value from pg_sequences where schemaname = 'public'
                    and sequencename = split_part(pg_get_serial_sequence(t, 'id'), '.', 2)), 1)));
        end if;
    end loop;
end
$$;
