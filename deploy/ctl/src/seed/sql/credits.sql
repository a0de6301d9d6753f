-- $1 the users, $2 the moment of loading. Each balance is what the ledger says: one grant.
with given as (
    insert into credits (user_id, balance, granted, updated_at)
    select id, credits, credits, $2 - joined + interval '10 minutes'
    from jsonb_to_recordset($1) as demo (id integer, credits integer, joined interval)
    where credits > 0
    order by id
    returning user_id, balance, updated_at)
insert into credit_ledger (user_id, kind, amount, granted, balance_after, reason, idempotency_key, created_at)
select user_id, 'grant', balance, balance, balance, 'demo', 'demo:' || user_id, updated_at
from given
order by user_id
