-- A scan that lets others read and write: in the transaction that added the constraint it would not.
alter table credit_holds validate constraint credit_holds_free_because_check;
