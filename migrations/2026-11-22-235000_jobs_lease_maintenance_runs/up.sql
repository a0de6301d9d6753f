-- A run says that it lives, so that one whose process died is known after a minute, and none that is long is taken for dead;
-- and an operator may ask for a run, which the service then does.
alter table maintenance_runs add column alive_at timestamptz;
alter table maintenance_runs add column by_hand  boolean not null default false;

alter table maintenance_runs drop constraint maintenance_runs_outcome_check;
alter table maintenance_runs add  constraint maintenance_runs_outcome_check
    check (outcome in ('requested', 'running', 'succeeded', 'failed')) not valid;
alter table maintenance_runs validate constraint maintenance_runs_outcome_check;

-- Asked every other second by every replica; nearly always empty.
create index maintenance_runs_by_hand_idx on maintenance_runs (service) where by_hand and outcome in ('requested', 'running');

comment on column maintenance_runs.period   is 'For jobs that run once a period, over all replicas: its name, as 2026-11-22, 2026-W47, 2026-11, 2026-Q4 or the second it began; for a run by hand, when it was asked for.';
comment on column maintenance_runs.alive_at is 'When the process that does it last said so. A run that is silent for a minute is taken over.';
comment on column maintenance_runs.by_hand  is 'An operator asked for it, beside the periods.';
