drop table invoices;
drop table invoice_numbers;
drop table user_plans;
drop table subscriptions;
drop table stripe_events;
drop table credit_ledger;
drop table credit_holds;

alter table credits
    drop constraint credits_monthly_check,
    drop column monthly;
comment on column credits.granted is 'Part of the balance that was granted; spent first, expires with the next grant.';

drop index transactions_provider_id_key;
alter table transactions
    drop constraint transactions_credits_check,
    drop constraint transactions_given_credits_check,
    drop constraint transactions_refunded_cents_check,
    drop constraint transactions_dispute_check,
    drop column provider_id,
    drop column credits,
    drop column given_credits,
    drop column changes,
    drop column paid_at,
    drop column failed_at,
    drop column refunded_cents,
    drop column dispute,
    drop column updated_at;
