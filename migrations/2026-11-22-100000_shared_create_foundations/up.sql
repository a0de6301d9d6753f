-- What every service's tables stand on: the acting user, the guard of append-only tables, monthly partitions.

-- Services refuse to start while migrations are pending, so they may read which ones ran. The table is diesel's
-- and exists before the first migration; it does not when somebody runs these files with psql.
do $$
begin
    if to_regclass('public.__diesel_schema_migrations') is not null then
        grant select on __diesel_schema_migrations to
            pitchey_accounts,      pitchey_accounts_system,
            pitchey_pitches,       pitchey_pitches_system,
            pitchey_messaging,     pitchey_messaging_system,
            pitchey_payments,      pitchey_payments_system,
            pitchey_analytics,     pitchey_analytics_system,
            pitchey_notifications, pitchey_notifications_system;
    end if;
end
$$;


-- ---------------------------------------------------------------------------------------- the acting user

-- No SET search_path here: it would keep the planner from inlining the function. The body is parsed once, now.
create function app_uid() returns integer
    language sql stable parallel safe
    return nullif(current_setting('app.uid', true), '')::integer;

comment on function app_uid() is
    'The user for whom this transaction acts (transaction-local setting app.uid), NULL without one. Row level security compares with it, so no user means no rows. A setting that has ended reads as an empty string, hence nullif.';

revoke all on function app_uid() from public;
grant execute on function app_uid() to
    pitchey_accounts,      pitchey_accounts_system,
    pitchey_pitches,       pitchey_pitches_system,
    pitchey_messaging,     pitchey_messaging_system,
    pitchey_payments,      pitchey_payments_system,
    pitchey_analytics,     pitchey_analytics_system,
    pitchey_notifications, pitchey_notifications_system;


-- ---------------------------------------------------------------------------------------- append-only tables

create function refuse_change() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    -- Retention runs in SECURITY DEFINER functions of the owner, referential actions run as the owner.
    if current_user <> 'pitchey_owner' then
        raise exception using
            errcode    = 'insufficient_privilege',
            message    = format('table %s is append-only: %s refused', tg_table_name, lower(tg_op)),
            schema     = tg_table_schema,
            table      = tg_table_name;
    end if;
    return null;
end
$$;

comment on function refuse_change() is
    'Statement trigger of append-only tables: UPDATE, DELETE and TRUNCATE raise for everybody but pitchey_owner, superusers included.';

revoke all on function refuse_change() from public;


-- ---------------------------------------------------------------------------------------- monthly partitions

create function uuid_v7_floor(at timestamptz) returns uuid
    language sql immutable strict parallel safe
    return (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid;

comment on function uuid_v7_floor(timestamptz) is
    'The least UUID whose leading 48 bits are this instant in milliseconds: every UUIDv7 made from then on compares greater or equal.';

create function ensure_month_partitions(parent text, first_month date, months integer) returns integer
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    set lock_timeout = '2s'
as $$
declare
    this_month date;
    name       text;
    at_start   timestamptz;
    at_end     timestamptz;
    low        text;
    high       text;
    key        text;
    in_default text;
    late       boolean;
    made       integer := 0;
begin
    if parent not in ('inbox', 'pitch_views', 'analytics_events') then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s is not partitioned by month', parent);
    end if;
    if not (has_table_privilege(session_user, 'public.' || parent, 'insert') or pg_has_role(session_user, 'pitchey_owner', 'member')) then
        raise exception using errcode = 'insufficient_privilege', message = format('%s may not write %s', session_user, parent);
    end if;
    if months not between 0 and 120 then
        raise exception using errcode = 'invalid_parameter_value', message = 'months must be between 0 and 120';
    end if;

    -- Every replica of a service may run the job; the second finds the work done.
    perform pg_advisory_xact_lock(hashtextextended('pitchey/month_partitions/' || parent, 0));

    for i in 0 .. months - 1 loop
        this_month := (date_trunc('month', first_month::timestamp) + make_interval(months => i))::date;
        name       := parent || to_char(this_month, '_YYYY_MM');
        continue when to_regclass('public.' || name) is not null;

        at_start := this_month::timestamp at time zone 'UTC';
        at_end   := (this_month + interval '1 month') at time zone 'UTC';
        if parent = 'inbox' then
            key  := 'event_id';
            low  := uuid_v7_floor(at_start)::text;
            high := uuid_v7_floor(at_end)::text;
        else
            key  := 'created_at';
            low  := at_start::text;
            high := at_end::text;
        end if;

        -- Made aside and attached: that does not lock the parent against reads and writes, as PARTITION OF would.
        -- Indexes and foreign keys come with the attachment; the latter stop writes to the tables they refer to for
        -- that moment, so lock_timeout makes the job give up and come again rather than let writers queue behind it.
        execute format('create table public.%I (like public.%I including defaults including constraints)', name, parent);

        -- Rows that came before their month was made lie in the default partition and would forbid it. Then, and when
        -- the month has begun, inserts may be on their way there: they would fail once the month is attached, so they
        -- are kept out until it is. A month that is made ahead of time, the usual case, needs no such lock.
        in_default := format('from public.%I where %I >= %L and %I < %L', parent || '_default', key, low, key, high);
        execute 'select exists (select ' || in_default || ')' into late;
        if late or at_start <= now() then
            execute format('lock table public.%I in access exclusive mode', parent);
            execute format('with moved as (delete %s returning *) insert into public.%I select * from moved', in_default, name);
        end if;

        execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, name, low, high);
        made := made + 1;
    end loop;

    return made;
end
$$;

comment on function ensure_month_partitions(text, date, integer) is
    'Makes the missing monthly partitions of inbox, pitch_views or analytics_events, beginning with the month of a date, and moves into them what waited in the default partition. Returns how many it made. Whoever may insert into the table may call it.';

create function drop_month_partitions(parent text, before date) returns integer
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    set lock_timeout = '2s'
as $$
declare
    keep    interval;
    child   record;
    dropped integer := 0;
begin
    -- The caller names the date because time is injected; it can keep longer than the rule, never shorter.
    keep := case parent
        when 'inbox'            then interval '30 days'
        when 'analytics_events' then interval '25 months'
    end;
    if keep is null then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s has no monthly retention', parent);
    end if;
    if not (has_table_privilege(session_user, 'public.' || parent, 'insert') or pg_has_role(session_user, 'pitchey_owner', 'member')) then
        raise exception using errcode = 'insufficient_privilege', message = format('%s may not write %s', session_user, parent);
    end if;
    if before > (now() at time zone 'UTC' - keep)::date then
        raise exception using errcode = 'invalid_parameter_value', message = format('%s is kept for %s', parent, keep);
    end if;

    perform pg_advisory_xact_lock(hashtextextended('pitchey/month_partitions/' || parent, 0));

    for child in
        select c.relname as name
        from pg_inherits as i
        join pg_class    as c on c.oid = i.inhrelid
        where i.inhparent = ('public.' || parent)::regclass
          and c.relname ~ ('^' || parent || '_\d{4}_\d{2}$')
          and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
        order by c.relname
    loop
        execute format('drop table public.%I', child.name);
        dropped := dropped + 1;
    end loop;

    execute format(
        'delete from public.%I where %I < %L',
        parent || '_default',
        case parent when 'inbox' then 'received_at' else 'created_at' end,
        before::timestamp at time zone 'UTC');

    return dropped;
end
$$;

comment on function drop_month_partitions(text, date) is
    'Retention of inbox (30 days) and analytics_events (25 months): drops the months that end before a date, clears the default partition of what is older, returns the number of months. Refuses a date inside the time the rows are to be kept.';

revoke all on function uuid_v7_floor(timestamptz)                    from public;
revoke all on function ensure_month_partitions(text, date, integer)  from public;
revoke all on function drop_month_partitions(text, date)             from public;

grant execute on function ensure_month_partitions(text, date, integer), drop_month_partitions(text, date) to
    pitchey_accounts_system, pitchey_pitches_system,   pitchey_messaging_system,
    pitchey_payments_system, pitchey_analytics_system, pitchey_notifications_system;
