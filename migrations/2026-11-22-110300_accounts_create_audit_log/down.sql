drop function purge_audit_log(timestamptz, integer);
drop table audit_log;
