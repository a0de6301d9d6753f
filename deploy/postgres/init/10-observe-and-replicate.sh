#!/usr/bin/env bash
# Once, when the cluster is made: what only a superuser can make. Everything else is done by `ctl migrate up`.
set -euo pipefail

psql -X -q -v ON_ERROR_STOP=1 -v password="$REPLICATION_PASSWORD" --username postgres --dbname pitchey <<'SQL'
create extension if not exists pg_stat_statements;
create role pitchey_replication login replication password :'password';
SQL
