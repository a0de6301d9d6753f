comment on column maintenance_runs.period is 'For jobs that run once a period, over all replicas: its name, as 2026-11 or 2026-W47. NULL for the others.';

drop index maintenance_runs_by_hand_idx;

delete from maintenance_runs where outcome = 'requested';
alter table maintenance_runs drop constraint maintenance_runs_outcome_check;
alter table maintenance_runs add  constraint maintenance_runs_outcome_check
    check (outcome in ('running', 'succeeded', 'failed')) not valid;
alter table maintenance_runs validate constraint maintenance_runs_outcome_check;

alter table maintenance_runs drop column by_hand;
alter table maintenance_runs drop column alive_at;
