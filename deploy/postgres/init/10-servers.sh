#!/usr/bin/env bash
# Once, when the cluster is made: what only a superuser can make, for the servers around it. Everything else is done by `ctl migrate up`.
set -euo pipefail

psql -X -q -v ON_ERROR_STOP=1 -v replication="$REPLICATION_PASSWORD" -v monitor="$MONITOR_PASSWORD" --username postgres --dbname pitchey <<'SQL'
create extension if not exists pg_stat_statements;
create role pitchey_replication login replication password :'replication';
create role pitchey_monitor login password :'monitor' in role pg_monitor connection limit 5;
-- roles.sql takes the schema from everybody, and pg_stat_statements is in it.
grant usage on schema public to pitchey_monitor;
SQL
