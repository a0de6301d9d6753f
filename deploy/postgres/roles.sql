-- The roles of Pitchey, and what the current database needs for them.
--
-- Apply it to every database before its first migration, and again whenever this file changes:
--     psql -X -v ON_ERROR_STOP=1 -f deploy/postgres/roles.sql <database>
-- Roles belong to the whole cluster, privileges on a schema to one database; this file does both. It can be
-- repeated, and many processes (tests) may apply it at the same moment, to one database or to several.
--
--   pitchey_owner             no login. Owns every table and function; migrations, seed, import and pg_dump run
--                             after SET ROLE pitchey_owner. Not subject to row level security.
--   pitchey_<service>         what a user's request runs as. Row level security compares with app_uid().
--   pitchey_<service>_system  what consumers, jobs and gRPC run as. Sees all rows of its own service's tables.
--
-- No passwords here: the operator's tool sets them. The gateway has no database and so no role.
--
-- Who may apply it: a superuser; or, if pitchey_owner exists, a role with CREATEROLE that owns the database.
-- (Before Postgres 16 only a superuser can create a role with BYPASSRLS.)
--
-- It is one DO block, so that it is one transaction for every client, also one that sends it in a single message.

do $roles$
declare
    services  constant text[] := array['accounts', 'pitches', 'messaging', 'payments', 'analytics', 'notifications'];
    service   text;
    login     text;
    is_system boolean;
    setting   text;
    settings  text[];
begin
    -- One at a time within this database. (Advisory locks do not reach other databases; for those the
    -- exceptions below are expected.)
    perform pg_advisory_xact_lock(hashtextextended('pitchey/roles.sql', 0));

    -- ------------------------------------------------------------------ cluster: the owner
    if not exists (select from pg_catalog.pg_roles where rolname = 'pitchey_owner') then
        begin
            create role pitchey_owner nologin nosuperuser nocreatedb nocreaterole noreplication bypassrls;
        exception
            when duplicate_object or unique_violation then null;  -- another process was faster
            when insufficient_privilege then
                raise exception using
                    errcode = 'insufficient_privilege',
                    message = 'role pitchey_owner does not exist and this user may not create it',
                    hint    = 'as a superuser, once: create role pitchey_owner nologin bypassrls';
        end;
    end if;

    -- ------------------------------------------------------------------ cluster: two logins a service
    foreach service in array services loop
        foreach is_system in array array[false, true] loop
            login := 'pitchey_' || service || case when is_system then '_system' else '' end;

            if not exists (select from pg_catalog.pg_roles where rolname = login) then
                begin
                    execute format('create role %I login nosuperuser nobypassrls nocreatedb nocreaterole noreplication noinherit', login);
                exception
                    when duplicate_object or unique_violation then null;
                end;
            end if;

            -- Limits that hold for every session of the role, whatever the client forgets.
            settings := array[
                -- A user waits for the answer; a job may work through a batch.
                'statement_timeout='                   || case when is_system then '30s' else '5s' end,
                -- Rather a 503 that can be repeated than a pool full of sessions that queue for one row.
                'lock_timeout='                        || case when is_system then '5s'  else '2s' end,
                -- A forgotten transaction holds back vacuum and with it the outbox.
                'idle_in_transaction_session_timeout=' || '10s',
                -- Tables are unqualified; nothing else is to be found by their names.
                'search_path='                         || 'public',
                -- Short statements: compiling them costs more than running them.
                'jit='                                 || 'off',
                'TimeZone='                            || 'UTC'
            ];

            foreach setting in array settings loop
                -- Written only if different: the usual second application changes nothing.
                continue when exists (
                    select
                    from pg_catalog.pg_db_role_setting as s
                    join pg_catalog.pg_roles           as r on r.oid = s.setrole
                    where r.rolname = login and s.setdatabase = 0 and setting = any (s.setconfig)
                );
                for attempt in 1 .. 50 loop
                    begin
                        execute format('alter role %I set %s = %L', login, split_part(setting, '=', 1), split_part(setting, '=', 2));
                        exit;
                    exception
                        -- "tuple concurrently updated" is an internal error (XX000); two first writers meet in the key.
                        when internal_error or unique_violation then
                            if attempt = 50 then raise; end if;
                            perform pg_sleep(0.02 * random());
                    end;
                end loop;
            end loop;
        end loop;
    end loop;

    -- Who applies this file also migrates, that is, needs SET ROLE pitchey_owner.
    if not pg_has_role(current_user, 'pitchey_owner', 'member') then
        for attempt in 1 .. 50 loop
            begin
                execute format('grant pitchey_owner to %I', current_user);
                exit;
            exception
                when internal_error or unique_violation then
                    if attempt = 50 then raise; end if;
                    perform pg_sleep(0.02 * random());
            end;
        end loop;
    end if;

    -- ------------------------------------------------------------------ this database
    execute format('revoke create, temporary on database %I from public', current_database());

    revoke all on schema public from public;
    grant usage, create on schema public to pitchey_owner;

    foreach service in array services loop
        execute format('grant usage on schema public to %I, %I', 'pitchey_' || service, 'pitchey_' || service || '_system');
    end loop;

    -- Without this a new function could be called by everybody. Migrations grant what is meant.
    alter default privileges for role pitchey_owner revoke execute on functions from public;
end
$roles$;
