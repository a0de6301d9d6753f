//! What is asked. Each answers with rows of one array of texts, `cells`; `$1` is how many.

/// A table of the report.
pub(super) struct Section {
    pub title: &'static str,
    pub headings: &'static [&'static str],
    /// What it means that there are no rows.
    pub none: &'static str,
    pub sql: &'static str,
}

pub(super) const SUMMARY: &str = "
    SELECT ARRAY[current_database(), pg_size_pretty(pg_database_size(current_database())),
                 'Postgres ' || current_setting('server_version'),
                 'read from memory ' || coalesce(round(100.0 * blks_hit / nullif(blks_hit + blks_read, 0), 1)::text, '-') || ' %',
                 'deadlocks ' || deadlocks,
                 'counted since ' || to_char(coalesce(d.stats_reset, b.stats_reset) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')] AS cells
      FROM pg_stat_database AS d, pg_stat_bgwriter AS b WHERE datname = current_database()";

pub(super) const ALL: &[Section] = &[
    Section {
        title: "Statements that took most time together",
        headings: &["share", "seconds", "calls", "mean ms", "max ms", "rows/call", "role", "statement"],
        none: "none yet",
        sql: "SELECT ARRAY[round((100 * total_exec_time / nullif(sum(total_exec_time) OVER (), 0))::numeric, 1) || ' %',
                           round((total_exec_time / 1000)::numeric, 1)::text, calls::text, round(mean_exec_time::numeric, 2)::text,
                           round(max_exec_time::numeric, 1)::text, round(rows::numeric / calls, 1)::text, rolname::text,
                           left(regexp_replace(query, '\\s+', ' ', 'g'), 110)] AS cells
                FROM {statements} AS s JOIN pg_roles AS r ON r.oid = s.userid
               WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND calls > 0
               ORDER BY total_exec_time DESC LIMIT $1",
    },
    Section {
        title: "Statements that are slow each time (10 ms and more on average)",
        headings: &["mean ms", "max ms", "calls", "rows/call", "role", "statement"],
        none: "none",
        sql: "SELECT ARRAY[round(mean_exec_time::numeric, 2)::text, round(max_exec_time::numeric, 1)::text, calls::text,
                           round(rows::numeric / calls, 1)::text, rolname::text, left(regexp_replace(query, '\\s+', ' ', 'g'), 110)] AS cells
                FROM {statements} AS s JOIN pg_roles AS r ON r.oid = s.userid
               WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND calls > 0 AND mean_exec_time >= 10
               ORDER BY mean_exec_time DESC LIMIT $1",
    },
    Section {
        title: "Connections by role",
        headings: &["role", "all", "at work", "idle", "in transaction", "oldest transaction s"],
        none: "none",
        sql: "SELECT ARRAY[coalesce(usename::text, 'all roles, of ' || (current_setting('max_connections')::int
                                - current_setting('superuser_reserved_connections')::int) || ' allowed'),
                           count(*)::text, (count(*) FILTER (WHERE state = 'active'))::text, (count(*) FILTER (WHERE state = 'idle'))::text,
                           (count(*) FILTER (WHERE state LIKE 'idle in transaction%'))::text,
                           round(max(extract(epoch FROM clock_timestamp() - xact_start)), 1)::text] AS cells
                FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
               GROUP BY GROUPING SETS ((usename), ()) ORDER BY count(*) DESC LIMIT $1 + 1",
    },
    Section {
        title: "Transactions open for 5 seconds and more",
        headings: &["pid", "seconds", "role", "state", "waits for", "blocked by", "statement"],
        none: "none",
        sql: "SELECT ARRAY[pid::text, round(extract(epoch FROM clock_timestamp() - xact_start), 1)::text, usename::text, state,
                           wait_event_type || ' ' || wait_event, nullif(array_to_string(pg_blocking_pids(pid), ' '), ''),
                           left(regexp_replace(query, '\\s+', ' ', 'g'), 90)] AS cells
                FROM pg_stat_activity
               WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - interval '5 s'
               ORDER BY xact_start LIMIT $1",
    },
    Section {
        title: "Largest tables (partitions added up), and how they grow",
        headings: &["table", "size", "indexes", "rows", "dead", "inserted/day", "deleted/day", "growth/day"],
        none: "none",
        sql: "SELECT ARRAY[name, pg_size_pretty(bytes), pg_size_pretty(indexes), rows::text,
                           coalesce(round(100.0 * dead / nullif(rows + dead, 0), 1), 0) || ' %',
                           round(inserted / days)::text, round(deleted / days)::text,
                           pg_size_pretty(round(greatest(inserted - deleted, 0) / days * bytes / greatest(rows, 1)))] AS cells
                FROM (SELECT coalesce(pg_partition_root(relid), relid)::regclass::text AS name,
                             sum(pg_total_relation_size(relid)) AS bytes, sum(pg_indexes_size(relid)) AS indexes,
                             sum(n_live_tup) AS rows, sum(n_dead_tup) AS dead, sum(n_tup_ins) AS inserted, sum(n_tup_del) AS deleted
                        FROM pg_stat_user_tables GROUP BY 1) AS tables,
                     (SELECT greatest(extract(epoch FROM clock_timestamp() - coalesce(d.stats_reset, b.stats_reset)) / 86400, 1) AS days
                        FROM pg_stat_database AS d, pg_stat_bgwriter AS b WHERE datname = current_database()) AS counted
               ORDER BY bytes DESC LIMIT $1",
    },
    Section {
        title: "Tables with many dead rows (vacuum does not keep up, or something holds it back)",
        headings: &["table", "dead", "rows", "share", "last vacuum (UTC)"],
        none: "none",
        sql: "SELECT ARRAY[relid::regclass::text, n_dead_tup::text, n_live_tup::text,
                           round(100.0 * n_dead_tup / (n_live_tup + n_dead_tup), 1) || ' %',
                           to_char(greatest(last_vacuum, last_autovacuum) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')] AS cells
                FROM pg_stat_user_tables WHERE n_dead_tup > 10000 AND n_dead_tup > 0.2 * n_live_tup
               ORDER BY n_dead_tup DESC LIMIT $1",
    },
    Section {
        title: "Indexes nobody has used (unique ones guard something, and are not listed)",
        headings: &["index", "table", "size"],
        none: "none",
        sql: "SELECT ARRAY[name, of, pg_size_pretty(bytes)] AS cells
                FROM (SELECT coalesce(pg_partition_root(s.indexrelid), s.indexrelid)::regclass::text AS name,
                             coalesce(pg_partition_root(s.relid), s.relid)::regclass::text AS of,
                             sum(pg_relation_size(s.indexrelid)) AS bytes, sum(s.idx_scan) AS scans
                        FROM pg_stat_user_indexes AS s JOIN pg_index AS i USING (indexrelid)
                       WHERE NOT i.indisunique GROUP BY 1, 2) AS indexes
               WHERE scans = 0 ORDER BY bytes DESC, name LIMIT $1",
    },
    Section {
        title: "Indexes that could not be built, and serve nobody",
        headings: &["index", "table"],
        none: "none",
        sql: "SELECT ARRAY[indexrelid::regclass::text, indrelid::regclass::text] AS cells
                FROM pg_index WHERE NOT indisvalid ORDER BY 1 LIMIT $1",
    },
    Section {
        title: "Large tables read from end to end (an index may be missing)",
        headings: &["table", "times", "rows each", "by index", "rows"],
        none: "none",
        sql: "SELECT ARRAY[name, times::text, round(read / times)::text, by_index::text, rows::text] AS cells
                FROM (SELECT coalesce(pg_partition_root(relid), relid)::regclass::text AS name, sum(seq_scan) AS times,
                             sum(seq_tup_read) AS read, coalesce(sum(idx_scan), 0) AS by_index, sum(n_live_tup) AS rows
                        FROM pg_stat_user_tables GROUP BY 1) AS tables
               WHERE rows >= 5000 AND times > 0 AND read / times >= 1000 ORDER BY read DESC LIMIT $1",
    },
    Section {
        title: "Foreign keys without an index (deleting what they point to reads the whole table)",
        headings: &["table", "key", "columns", "points to"],
        none: "none",
        // A partial index serves if all it leaves out is NULL: such rows point to nothing.
        sql: "SELECT ARRAY[c.conrelid::regclass::text, c.conname::text,
                           (SELECT string_agg(attname, ', ' ORDER BY ord) FROM unnest(c.conkey) WITH ORDINALITY AS k (num, ord)
                              JOIN pg_attribute ON attrelid = c.conrelid AND attnum = num),
                           c.confrelid::regclass::text] AS cells
                FROM pg_constraint AS c
               WHERE c.contype = 'f' AND c.conparentid = 0 AND NOT EXISTS (
                     SELECT FROM pg_index AS i
                      WHERE i.indrelid = c.conrelid AND i.indisvalid
                        AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$')
                        AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
               ORDER BY pg_total_relation_size(c.conrelid) DESC, c.conname LIMIT $1",
    },
    Section {
        title: "Replicas",
        headings: &["replica", "state", "seconds behind", "bytes behind"],
        none: "none is connected",
        sql: "SELECT ARRAY[application_name, state, coalesce(round(extract(epoch FROM replay_lag), 3), 0)::text,
                           pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))] AS cells
                FROM pg_stat_replication ORDER BY application_name LIMIT $1",
    },
    Section {
        title: "Replication slots (Postgres keeps its log for them)",
        headings: &["slot", "read from", "log kept"],
        none: "none",
        sql: "SELECT ARRAY[slot_name::text, CASE WHEN active THEN 'yes' ELSE 'NO' END,
                           pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))] AS cells
                FROM pg_replication_slots ORDER BY slot_name LIMIT $1",
    },
    Section {
        title: "Archive of the log",
        headings: &["state", "last segment", "minutes ago", "failures"],
        none: "Postgres archives nothing: there is no point in time to go back to",
        sql: "SELECT ARRAY[CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN 'FAILS' ELSE 'works' END,
                           last_archived_wal, round(extract(epoch FROM clock_timestamp() - last_archived_time) / 60, 1)::text,
                           failed_count::text] AS cells
                FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off' LIMIT $1",
    },
];
