create or replace function app_blocked_ids() returns setof integer
    language sql stable security definer rows 10
    set search_path = pg_catalog, public, pg_temp
as $$
    select blocked_id from user_blocks where blocker_id = app_uid()
    union
    select blocker_id from user_blocks where blocked_id = app_uid()
$$;

create or replace function nda_policy_for(owner_id integer) returns text
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    select coalesce((select policy::text from nda_policies where user_id = nda_policy_for.owner_id), 'never')
$$;
