-- Written by programs from this release on; holds of nothing that are older, or of a replica that is, say nothing.
alter table credit_holds add column free_because varchar(20);

alter table credit_holds add constraint credit_holds_free_because_check
    check (free_because is null or (free_because in ('flag', 'plan', 'allowance') and amount = 0)) not valid;

comment on column credit_holds.free_because is 'Why nothing was taken, decided when it was asked for: flag: credits were not charged to this user then; plan: the user''s plan has it; allowance: it was among the first that are free.';
