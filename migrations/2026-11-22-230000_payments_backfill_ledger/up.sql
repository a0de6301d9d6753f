-- Balances from before there was a ledger begin with one row of it.
insert into credit_ledger (user_id, kind, amount, granted, used, bought, balance_after, reason, idempotency_key, created_at)
select user_id, 'adjust', balance, granted, lifetime_used, lifetime_purchased, balance, 'opening', 'opening:' || user_id, updated_at
from credits as c
where (balance, lifetime_used, lifetime_purchased) <> (0, 0, 0)
  and not exists (select from credit_ledger as l where l.user_id = c.user_id);
