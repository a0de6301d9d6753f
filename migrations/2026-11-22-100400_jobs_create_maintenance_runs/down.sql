drop table maintenance_runs;
